//! Choosing on some rows: every candidate on the same folds with the same seeds.

use super::candidate::{Candidate, Path};
use super::fold::{FoldAt, Selection};
use super::grid;
use super::penalty::Penalty;
use super::race;
use super::result::{Family, GridPoint, Score};
use super::runner::Runner;
use super::spec::{ChooseMode, ChooseSpec, Rule};
use super::statistic;
use super::trial::{Detail, TrialOutcome, TrialSpec};
use crate::param::Role;
use crate::{Error, Experiment, Result, Seed};

/// Repeats of the coarse grid before strengths are added around its best.
const COARSE_REPEATS: usize = 3;

/// What all trials of a choice have in common.
pub(crate) struct Setting<'a> {
    pub(crate) spec: &'a ChooseSpec,
    pub(crate) bare: Experiment,
    pub(crate) on: Vec<Role>,
    pub(crate) maximize: bool,
}

impl Setting<'_> {
    /// A trial of this candidate.
    pub(crate) fn trial(&self, candidate: &Candidate, rows: Selection, seed: Seed, detail: Detail) -> TrialSpec {
        TrialSpec {
            experiment: self.bare.clone(),
            on: self.on.clone(),
            candidate: candidate.clone(),
            rows,
            quarters: None,
            seed: seed.number(),
            detail,
        }
    }

    /// The trial of this candidate on one fold of one repeat, of the rows that `outer` leaves.
    pub(crate) fn fold_trial(&self, candidate: &Candidate, outer: &[FoldAt], repeat: usize, fold: usize) -> TrialSpec {
        let seed = Seed::new(self.spec.seed);
        let at = FoldAt { seed: seed.derive("repeat", repeat as u64).number(), folds: self.spec.folds, fold };
        let rows = Selection::Folds(outer.iter().copied().chain([at]).collect());
        let seed = seed.derive("run", (repeat * self.spec.folds + fold) as u64);
        self.trial(candidate, rows, seed, Detail::default())
    }

    /// The score of an outcome, if it has one.
    pub(crate) fn score(&self, outcome: &TrialOutcome) -> Option<f64> {
        outcome.scores.get(&self.spec.score).copied()
    }

    /// How many steps of the grid lie between two entries; nothing if they are of different penalties. No penalty stands
    /// one step before each penalty's weakest strength.
    pub(crate) fn steps(&self, entries: &[Entry], one: &Entry, other: &Entry) -> Option<usize> {
        let penalty = match (one.penalty, other.penalty) {
            (None, None) => return Some(0),
            (Some(a), Some(b)) if a != b => return None,
            (a, b) => a.or(b)?,
        };
        let (_, read) = self.spec.read_penalties().into_iter().nth(penalty)?;
        let strength = |entry: &Entry| read.strength(entry.candidate.value);
        let place = |entry: &Entry| {
            let weaker =
                entries.iter().filter(|known| known.penalty == Some(penalty) && strength(known) < strength(entry));
            if entry.penalty.is_none() { 0 } else { weaker.count() + 1 }
        };
        Some(place(one).abs_diff(place(other)))
    }

    /// How much better `score` is than `other`.
    pub(crate) fn gain(&self, score: f64, other: f64) -> f64 {
        if self.maximize { score - other } else { other - score }
    }
}

/// A candidate with its outcomes so far, fold by fold, repeat by repeat.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) candidate: Candidate,
    /// Which of the penalties; none for the baseline.
    pub(crate) penalty: Option<usize>,
    pub(crate) outcomes: Vec<TrialOutcome>,
    /// Whether it stopped receiving folds.
    pub(crate) beaten: bool,
}

impl Entry {
    fn new(candidate: Candidate, penalty: Option<usize>) -> Self {
        Self { candidate, penalty, outcomes: vec![], beaten: false }
    }

    /// The score of each fold.
    pub(crate) fn scores(&self, setting: &Setting<'_>) -> Vec<Option<f64>> {
        self.outcomes.iter().map(|outcome| setting.score(outcome)).collect()
    }
}

/// What a choice on some rows came to.
#[derive(Debug)]
pub(crate) struct Selected {
    /// The baseline first, then penalty by penalty, rising.
    pub(crate) entries: Vec<Entry>,
    /// Position of the best mean score.
    pub(crate) best: usize,
    /// Position of the strongest within one standard error, of the same penalty.
    pub(crate) one_se: usize,
    /// Trainings that racing saved.
    pub(crate) saved: usize,
}

impl Selected {
    pub(crate) fn chosen(&self, rule: Rule) -> &Candidate {
        let position = match rule {
            Rule::Min => self.best,
            Rule::OneSe => self.one_se,
        };
        &self.entries[position].candidate
    }
}

/// Chooses on the rows that `outer` leaves (all development rows, if it is empty).
pub(crate) fn select(setting: &Setting<'_>, runner: &Runner<'_>, outer: &[FoldAt]) -> Result<Selected> {
    let spec = setting.spec;
    let penalties = spec.read_penalties();
    let mut entries = vec![Entry::new(Candidate::none(), None)];
    if spec.mode == ChooseMode::Path {
        run_paths(setting, runner, outer, &penalties, &mut entries)?;
        return judge(setting, runner, entries, &penalties);
    }
    for (i, (name, penalty)) in penalties.iter().enumerate() {
        for value in coarse(setting, runner, outer, name, penalty)? {
            entries.push(Entry::new(Candidate::new(name.as_str(), value), Some(i)));
        }
    }
    let coarse_repeats = COARSE_REPEATS.min(spec.repeats);
    let planned = 1 + penalties.len() * spec.grid.as_ref().map_or(spec.points, Vec::len);
    advance(setting, runner, outer, &mut entries, 0..coarse_repeats, planned)?;
    if spec.grid.is_none() {
        for (i, (name, penalty)) in penalties.iter().enumerate() {
            let tried: Vec<usize> = (0..entries.len()).filter(|e| entries[*e].penalty == Some(i)).collect();
            let values: Vec<f64> = tried.iter().map(|e| entries[*e].candidate.value).collect();
            let missing = spec.points.saturating_sub(values.len());
            if grid::probes(penalty).is_empty() || missing == 0 {
                continue;
            }
            let means = tried.iter().map(|e| rank(setting, &entries[*e], coarse_repeats * spec.folds));
            let best = means.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i);
            for value in grid::fine(&values, best, missing) {
                entries.push(Entry::new(Candidate::new(name.as_str(), value), Some(i)));
            }
        }
    }
    advance(setting, runner, outer, &mut entries, 0..coarse_repeats, planned)?;
    advance(setting, runner, outer, &mut entries, coarse_repeats..spec.repeats, planned)?;
    judge(setting, runner, entries, &penalties)
}

/// Finds the best of what has run.
fn judge(
    setting: &Setting<'_>,
    runner: &Runner<'_>,
    mut entries: Vec<Entry>,
    penalties: &[(String, Penalty)],
) -> Result<Selected> {
    let spec = setting.spec;
    let order = |entry: &Entry| (entry.penalty, entry.candidate.value);
    entries.sort_by(|a, b| order(a).partial_cmp(&order(b)).unwrap_or(std::cmp::Ordering::Equal));
    // Who was not beaten has run equally long.
    let longest = entries.iter().map(|entry| entry.outcomes.len()).max().unwrap_or(0);
    let ranks: Vec<f64> = entries.iter().map(|entry| rank(setting, entry, longest)).collect();
    // On a tie the first: no penalty before any, the weaker before the stronger.
    let best = (0..entries.len()).rev().max_by(|a, b| ranks[*a].total_cmp(&ranks[*b])).unwrap_or(0);
    if ranks[best] == f64::NEG_INFINITY {
        return Err(Error::Diverged(
            "every strength of every penalty diverged on some fold, as did no penalty".to_owned(),
        ));
    }
    let full = spec.repeats * spec.folds;
    let one_se = one_standard_error(setting, &entries, best, penalties);
    let saved = entries.iter().map(|entry| full - entry.outcomes.len()).sum();
    runner.spare(saved);
    Ok(Selected { entries, best, one_se, saved })
}

/// The strengths to begin with.
fn coarse(
    setting: &Setting<'_>,
    runner: &Runner<'_>,
    outer: &[FoldAt],
    name: &str,
    penalty: &Penalty,
) -> Result<Vec<f64>> {
    let spec = setting.spec;
    if let Some(values) = &spec.grid {
        let mut values = values.clone();
        values.sort_by(f64::total_cmp);
        values.dedup();
        return Ok(values);
    }
    if grid::probes(penalty).is_empty() {
        return Ok(grid::coarse(penalty, spec.points, setting.bare.fit.epochs, None));
    }
    let (baseline, probed) = probe(setting, runner, outer, name, penalty)?;
    Ok(grid::coarse(penalty, spec.points, setting.bare.fit.epochs, Some((&baseline, &probed))))
}

/// The outcomes of no penalty and of this penalty's decades on the first fold.
fn probe(
    setting: &Setting<'_>,
    runner: &Runner<'_>,
    outer: &[FoldAt],
    name: &str,
    penalty: &Penalty,
) -> Result<(TrialOutcome, Vec<TrialOutcome>)> {
    let candidates = grid::probes(penalty).into_iter().map(|value| Candidate::new(name, value));
    let all = std::iter::once(Candidate::none()).chain(candidates);
    let specs: Vec<TrialSpec> = all.map(|candidate| setting.fold_trial(&candidate, outer, 0, 0)).collect();
    let mut outcomes = runner.run(&specs)?;
    let probed = outcomes.split_off(1);
    Ok((outcomes.remove(0), probed))
}

/// Runs the baseline, and one path of each penalty on every fold; each point of a path becomes an entry.
fn run_paths(
    setting: &Setting<'_>,
    runner: &Runner<'_>,
    outer: &[FoldAt],
    penalties: &[(String, Penalty)],
    entries: &mut Vec<Entry>,
) -> Result<()> {
    let spec = setting.spec;
    let epochs = spec.path_epochs.unwrap_or_else(|| (setting.bare.fit.epochs / 10).max(1));
    let places = (0..spec.repeats).flat_map(|repeat| (0..spec.folds).map(move |fold| (repeat, fold)));
    let everywhere = |candidate: &Candidate, detail: &Detail| -> Vec<TrialSpec> {
        let at = |(repeat, fold)| setting.fold_trial(candidate, outer, repeat, fold);
        places.clone().map(at).map(|trial| TrialSpec { detail: detail.clone(), ..trial }).collect()
    };
    entries[0].outcomes = runner.run(&everywhere(&Candidate::none(), &Detail::default()))?;
    for (i, (name, penalty)) in penalties.iter().enumerate() {
        let mut values = match &spec.grid {
            Some(values) => values.clone(),
            None => {
                let (baseline, probed) = probe(setting, runner, outer, name, penalty)?;
                grid::path(penalty, spec.points, &baseline, &probed)
            }
        };
        values.sort_by(f64::total_cmp);
        values.dedup();
        let to = |k: usize| Candidate {
            path: Some(Path { values: values[..=k].to_vec(), epochs }),
            ..Candidate::new(name.as_str(), values[k])
        };
        let whole = everywhere(&to(values.len() - 1), &Detail { points: true, ..Detail::default() });
        let outcomes = runner.run(&whole)?;
        for k in 0..values.len() {
            let mut entry = Entry::new(to(k), Some(i));
            entry.outcomes = outcomes.iter().filter_map(|outcome| outcome.points.get(k).cloned()).collect();
            entries.push(entry);
        }
    }
    Ok(())
}

/// Runs these repeats for every entry that lacks them, dropping what is clearly beaten between them. Past the coarse
/// repeats, a race that is decided ends.
fn advance(
    setting: &Setting<'_>,
    runner: &Runner<'_>,
    outer: &[FoldAt],
    entries: &mut [Entry],
    repeats: std::ops::Range<usize>,
    planned: usize,
) -> Result<()> {
    let (folds, all) = (setting.spec.folds, setting.spec.repeats);
    for repeat in repeats {
        if setting.spec.race && repeat >= COARSE_REPEATS && race::is_decided(setting, entries) {
            break;
        }
        let due: Vec<usize> = (0..entries.len())
            .filter(|e| !entries[*e].beaten && entries[*e].outcomes.len() == repeat * folds)
            .collect();
        let specs: Vec<TrialSpec> = due
            .iter()
            .flat_map(|e| (0..folds).map(|fold| setting.fold_trial(&entries[*e].candidate, outer, repeat, fold)))
            .collect();
        let mut outcomes = runner.run(&specs)?.into_iter();
        for e in due {
            entries[e].outcomes.extend(outcomes.by_ref().take(folds));
        }
        // After the last repeat there is nothing left to save.
        if setting.spec.race && repeat + 1 < all {
            race::drop_beaten(setting, entries, planned);
        }
    }
    Ok(())
}

/// The mean score on the first `folds` folds, larger being better; -∞ for what has not run on all of them or has diverged.
fn rank(setting: &Setting<'_>, entry: &Entry, folds: usize) -> f64 {
    let scores: Option<Vec<f64>> = entry.scores(setting).into_iter().take(folds).collect();
    match scores {
        Some(scores) if scores.len() == folds => {
            let mean = scores.iter().sum::<f64>() / folds as f64;
            if setting.maximize { mean } else { -mean }
        }
        _ => f64::NEG_INFINITY,
    }
}

/// The strongest entry of the best one's penalty whose mean score is within one standard error of the best. What was beaten
/// before all folds counts by its difference on the folds that it has: clearly beaten may still be within one standard
/// error, which is that of a score, not of a paired difference.
fn one_standard_error(setting: &Setting<'_>, entries: &[Entry], best: usize, penalties: &[(String, Penalty)]) -> usize {
    let scores = entries[best].scores(setting);
    let known: Vec<f64> = scores.iter().copied().flatten().collect();
    let se = statistic::repeat_se(&known, setting.spec.folds).unwrap_or(0.0);
    let strength = |e: usize| match entries[e].penalty {
        Some(penalty) => penalties[penalty].1.strength(entries[e].candidate.value),
        None => f64::NEG_INFINITY,
    };
    // If no penalty is best, the strongest of the first penalty that is as good may still be wanted.
    let family = entries[best].penalty.or(if penalties.is_empty() { None } else { Some(0) });
    let close = |e: &usize| {
        let behind: Option<Vec<f64>> = scores
            .iter()
            .zip(entries[*e].scores(setting))
            .map(|(best, own)| Some(setting.gain((*best)?, own?)))
            .collect();
        let mean = behind.and_then(|behind| statistic::mean(&behind));
        *e == best || entries[*e].penalty == family && mean.is_some_and(|mean| mean <= se)
    };
    (0..entries.len()).filter(close).max_by(|a, b| strength(*a).total_cmp(&strength(*b))).unwrap_or(best)
}

/// The best strengths of each penalty.
pub(crate) fn families(setting: &Setting<'_>, selected: &Selected) -> Vec<Family> {
    let penalties = setting.spec.read_penalties();
    let full = setting.spec.folds * setting.spec.repeats;
    let of = |(i, (name, _)): (usize, &(String, Penalty))| {
        let own = (0..selected.entries.len()).filter(|e| selected.entries[*e].penalty == Some(i));
        // What ran longest, then what scored best.
        let place = |e: usize| {
            let length = selected.entries[e].outcomes.len();
            (length, rank(setting, &selected.entries[e], length.min(full)))
        };
        let best = own.rev().max_by(|a, b| {
            let ((a_length, a_rank), (b_length, b_rank)) = (place(*a), place(*b));
            a_length.cmp(&b_length).then(a_rank.total_cmp(&b_rank))
        })?;
        let one_se = one_standard_error(setting, &selected.entries, best, &penalties);
        let score = grid_point(setting, &selected.entries[best], &selected.entries[0]).score;
        Some(Family {
            penalty: name.clone(),
            lambda_min: selected.entries[best].candidate.value,
            lambda_1se: selected.entries[one_se].candidate.value,
            score,
        })
    };
    penalties.iter().enumerate().filter_map(of).collect()
}

/// An entry as the result shows it.
pub(crate) fn grid_point(setting: &Setting<'_>, entry: &Entry, baseline: &Entry) -> GridPoint {
    let folds = setting.spec.folds;
    let splits = entry.scores(setting);
    let known: Vec<f64> = splits.iter().copied().flatten().collect();
    let pairs = splits.iter().zip(baseline.scores(setting));
    let gains: Vec<f64> = pairs.filter_map(|(score, other)| Some(setting.gain((*score)?, other?))).collect();
    let summary = |values: &[f64]| Score {
        mean: statistic::mean(values),
        se: if splits.iter().all(Option::is_some) { statistic::repeat_se(values, folds) } else { None },
        n: values.len(),
    };
    let usable: Vec<&TrialOutcome> = entry.outcomes.iter().filter(|outcome| !outcome.scores.is_empty()).collect();
    let mean_of = |value: &dyn Fn(&TrialOutcome) -> Option<f64>| {
        statistic::mean(&usable.iter().filter_map(|outcome| value(outcome)).collect::<Vec<_>>())
    };
    let names: Vec<String> = usable.first().map(|outcome| outcome.scores.keys().cloned().collect()).unwrap_or_default();
    GridPoint {
        penalty: entry.candidate.penalty.clone(),
        value: entry.candidate.value,
        score: summary(&known),
        gain: summary(&gains),
        train_score: mean_of(&|outcome| outcome.train.get(&setting.spec.score).copied()),
        metrics: names
            .into_iter()
            .filter_map(|name| Some((name.clone(), mean_of(&|outcome| outcome.scores.get(&name).copied())?)))
            .collect(),
        norm: mean_of(&|outcome| Some(outcome.norm)),
        zeros: mean_of(&|outcome| Some(outcome.zeros)),
        diverged: splits.iter().filter(|score| score.is_none()).count(),
        beaten: entry.beaten,
        splits,
    }
}
