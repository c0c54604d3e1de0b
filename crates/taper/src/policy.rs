//! One line that says for a whole model what is penalized.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::param::{ParamSlot, Role};
use crate::pattern::means;
use crate::regularizer::Regularizer;
use crate::{Complaint, Complaints, Result, nearest, spelling};

/// Which parameters of a model carry which penalty, said once for all of them.
///
/// The penalty goes to every kernel ([`Policy::KERNELS`]) and leaves biases, normalizations and embeddings alone, unless `roles`
/// says otherwise. `paths` says something else for single parameters, by pattern: one with a `/` is compared with the whole path
/// (`dense_1/*`), one without with each part of it (`kernel`, `dense_1`), and `*` stands for anything. A parameter whose layer
/// has a regularizer of its own keeps that, unless the policy says `override = true`, and a penalty of strength 0 is none. Moving
/// statistics are never penalized.
///
/// # In a file
///
/// ```toml
/// [model]
/// regularization = { l2 = 1e-4 }                                  # also: "l2"
/// regularization = { l2 = 1e-4, roles = ["kernel", "bias"] }
/// regularization = { l2 = 1e-4, paths = { "dense_1/*" = { l1 = 1e-3 } } }
/// regularization = { paths = [{ match = "conv*/kernel", l2 = 1e-4 }] }
/// ```
///
/// # Errors
///
/// A role or a pattern that means no parameter is an error when the model is built, and so is a pattern that means only parameters
/// whose layers have regularizers of their own, and a parameter that two patterns mean: there would be no saying which of them was
/// meant to win.
///
/// # Example
///
/// ```
/// use taper::{Dense, Model, Policy, Regularizer, Sequential};
///
/// # fn main() -> taper::Result<()> {
/// let spec = Sequential::new([2])
///     .layer(Dense::new(8))
///     .layer(Dense::new(1))
///     .regularization(Policy::new(Regularizer::l2(1e-4)).path("dense_1/*", Regularizer::l1(1e-3)));
/// let slots = Model::plan(&spec)?;
/// assert_eq!(slots[0].penalty(), Some(&Regularizer::l2(1e-4)), "dense/kernel");
/// assert_eq!(slots[1].penalty(), None, "dense/bias");
/// assert_eq!(slots[3].penalty(), Some(&Regularizer::l1(1e-3)), "dense_1/bias, because the pattern means it");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// The penalty of the roles. Default: none, so that only `paths` say something.
    pub regularizer: Option<Regularizer>,
    /// What it goes to. Default: [`Policy::KERNELS`].
    pub roles: Option<Vec<Role>>,
    /// What single parameters carry instead.
    pub paths: Vec<PathRule>,
    /// Whether a layer's own regularizers give way to what the policy says (`override`). Default: they stay.
    pub replaces: bool,
}

/// The key of [`Policy::replaces`].
const OVERRIDE: &str = "override";

/// The penalty of the parameters that a pattern means.
#[derive(Debug, Clone, PartialEq)]
pub struct PathRule {
    /// The pattern: `dense_1/*`.
    pub pattern: String,
    /// Their penalty.
    pub regularizer: Regularizer,
}

impl Policy {
    /// What is penalized unless somebody says otherwise.
    pub const KERNELS: [Role; 4] = [Role::Kernel, Role::RecurrentKernel, Role::DepthwiseKernel, Role::PointwiseKernel];

    /// This penalty on every kernel.
    #[must_use]
    pub fn new(regularizer: Regularizer) -> Self {
        Self { regularizer: Some(regularizer), ..Self::default() }
    }

    /// The same policy for these roles.
    #[must_use]
    pub fn roles(mut self, roles: impl Into<Vec<Role>>) -> Self {
        self.roles = Some(roles.into());
        self
    }

    /// The same policy with another penalty for the parameters that a pattern means.
    #[must_use]
    pub fn path(mut self, pattern: impl Into<String>, regularizer: Regularizer) -> Self {
        self.paths.push(PathRule { pattern: pattern.into(), regularizer });
        self
    }

    /// The same policy, before which a layer's own regularizers give way.
    #[must_use]
    pub fn replacing(mut self) -> Self {
        self.replaces = true;
        self
    }

    /// Gives every parameter that has no regularizer of its own the one that the policy says; places are keys of the policy.
    pub(crate) fn apply(&self, slots: &mut [ParamSlot]) -> Result<()> {
        let mut complaints = Complaints::new();
        let may = |slot: &ParamSlot| slot.spec.role != Role::MovingStatistic;
        let known = |slots: &[ParamSlot], say: &dyn Fn(&ParamSlot) -> String| {
            crate::table::list(&slots.iter().filter(|slot| may(slot)).map(say).collect::<Vec<_>>())
        };
        let with_role = |slot: &ParamSlot| format!("{} ({})", slot.path, word(slot.spec.role));
        if self.regularizer.is_none() && (self.paths.is_empty() || self.roles.is_some()) {
            complaints.push(Complaint::new("", "a penalty, as in { l2 = 1e-4 }", "none"));
        }
        let roles = self.roles.as_deref().unwrap_or(&Self::KERNELS);
        let any = |role: Role| slots.iter().any(|slot| may(slot) && slot.spec.role == role);
        match &self.roles {
            None if self.regularizer.is_some() && !roles.iter().any(|role| any(*role)) => {
                let expected = format!("a kernel among {}", known(slots, &with_role));
                complaints.push(Complaint::new("", expected, "none").help("`roles` says what else to penalize"));
            }
            None => {}
            Some(given) if given.is_empty() => complaints.push(Complaint::new("roles", "at least one role", "none")),
            Some(given) => {
                for (i, role) in given.iter().enumerate().filter(|(_, role)| !any(**role)) {
                    let expected = format!("a role of some of {}", known(slots, &with_role));
                    complaints.push(Complaint::new(format!("roles[{i}]"), expected, format!("`{}`", word(*role))));
                }
            }
        }
        for (i, rule) in self.paths.iter().enumerate() {
            let mut meant = slots.iter().filter(|slot| may(slot) && means(&rule.pattern, &slot.path)).peekable();
            let got = format!("`{}`", rule.pattern);
            if meant.peek().is_none() {
                let expected = format!("a pattern for some of {}", known(slots, &|slot| slot.path.clone()));
                complaints.push(Complaint::new(format!("paths[{i}]"), expected, got));
            } else if meant.all(|slot| slot.spec.regularizer.is_some() && !self.replaces) {
                let expected = "a pattern that changes some penalty";
                let complaint = Complaint::new(format!("paths[{i}]"), expected, got);
                complaints
                    .push(complaint.help("all that it means has a regularizer of its own, which `override` replaces"));
            }
        }
        for slot in slots.iter_mut().filter(|slot| may(slot)) {
            let mut rules = self.paths.iter().enumerate().filter(|(_, rule)| means(&rule.pattern, &slot.path));
            let (place, regularizer) = match (rules.next(), rules.next()) {
                (Some((_, one)), Some((i, other))) => {
                    let expected = format!("one pattern that means `{}`", slot.path);
                    let got = format!("`{}` beside `{}`", other.pattern, one.pattern);
                    complaints.push(Complaint::new(format!("paths[{i}]"), expected, got));
                    continue;
                }
                (Some((i, rule)), None) => (format!("paths[{i}]"), Some(&rule.regularizer)),
                (None, _) if roles.contains(&slot.spec.role) => (String::new(), self.regularizer.as_ref()),
                (None, _) => continue,
            };
            let free = self.replaces || slot.spec.regularizer.is_none();
            let Some(regularizer) = regularizer.filter(|_| free) else { continue };
            let mut found = Complaints::new();
            regularizer.validate("", Some(&slot.spec), &mut found);
            let found = found.finish().map_err(|error| tidy(error, &place, &slot.path));
            complaints.take("", found)?;
            // A strength of 0 is how a pattern excepts something.
            slot.spec.regularizer =
                Some(regularizer.clone()).filter(|regularizer| *regularizer != Regularizer::default());
        }
        complaints.finish()
    }
}

/// A complaint of a regularizer, said about the policy and the parameter.
fn tidy(error: crate::Error, place: &str, path: &str) -> crate::Error {
    let crate::Error::Invalid(complaints) = error else { return error };
    let said = |mut complaint: Complaint| {
        complaint.place = complaint.place.trim_start_matches('.').to_owned();
        let complaint = complaint.within(place);
        if complaint.help.is_none() { complaint.help(format!("for `{path}`")) } else { complaint }
    };
    crate::Error::Invalid(complaints.into_iter().map(said).collect())
}

/// A role as it is written.
fn word(role: Role) -> String {
    serde_json::to_value(role).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}

impl From<Regularizer> for Policy {
    fn from(regularizer: Regularizer) -> Self {
        Self::new(regularizer)
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let mut map = Map::new();
        if let Some(regularizer) = &self.regularizer
            && let Value::Object(settings) = serde_json::to_value(regularizer).map_err(S::Error::custom)?
        {
            map.extend(settings);
            if map.is_empty() {
                // A strength of 0 is a penalty that was asked for, and read again as one.
                map.insert("l2".into(), 0.0.into());
            }
        }
        if let Some(roles) = &self.roles {
            map.insert("roles".into(), serde_json::to_value(roles).map_err(S::Error::custom)?);
        }
        let rule = |rule: &PathRule| {
            let mut map = Map::from_iter([("match".to_owned(), Value::from(rule.pattern.as_str()))]);
            if let Value::Object(settings) = serde_json::to_value(&rule.regularizer)? {
                map.extend(settings);
            }
            Ok(Value::Object(map))
        };
        if self.replaces {
            map.insert(OVERRIDE.into(), true.into());
        }
        if !self.paths.is_empty() {
            let rules: serde_json::Result<Vec<Value>> = self.paths.iter().map(rule).collect();
            map.insert("paths".into(), Value::Array(rules.map_err(S::Error::custom)?));
        }
        map.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let value = Value::deserialize(deserializer)?;
        if value.is_string() {
            return spelling::read_inner(value).map(Self::new);
        }
        let mut map = spelling::table::<D::Error>(value)?;
        let roles = map.remove("roles").map(|roles| within("roles", spelling::read_inner(roles))).transpose()?;
        let paths = map.remove("paths").map(|paths| within("paths", rules(paths))).transpose()?.unwrap_or_default();
        let replaces = map.remove(OVERRIDE).map(|said| within(OVERRIDE, spelling::read_inner(said))).transpose()?;
        let keys: Vec<String> = map.keys().cloned().collect();
        let regularizer = (!keys.is_empty()).then(|| spelling::read_inner(Value::Object(map))).transpose();
        let regularizer = regularizer.map_err(|error: D::Error| {
            // The regularizer would only know its own keys.
            let meant = keys.iter().find_map(|key| Some((key, nearest(key, ["roles", "paths", OVERRIDE])?)));
            match meant.filter(|(key, _)| key.as_str() != "groups") {
                Some((key, near)) => D::Error::custom(format!("unknown field `{key}`, expected one of `{near}`")),
                None => {
                    let text: String = error.to_string();
                    let is_own = |key: &String| text.contains(&format!("unknown field `{key}`, expected one of `l1`"));
                    if keys.iter().any(is_own) {
                        D::Error::custom(format!("{text}, `roles`, `paths`, `{OVERRIDE}`"))
                    } else {
                        error
                    }
                }
            }
        })?;
        Ok(Self { regularizer, roles, paths, replaces: replaces.unwrap_or(false) })
    }
}

fn within<T, E: serde::de::Error>(key: &str, result: Result<T, serde_json::Error>) -> Result<T, E> {
    result.map_err(|error| spelling::smuggle(key, error))
}

/// A table of patterns, or a list of tables that each `match` one.
fn rules(value: Value) -> Result<Vec<PathRule>, serde_json::Error> {
    let read = |pattern: String, settings: Value| {
        let regularizer = spelling::read_inner::<Regularizer, serde_json::Error>(settings)?;
        Ok(PathRule { pattern, regularizer })
    };
    match value {
        Value::Object(map) => {
            let rule = |(pattern, settings): (String, Value)| {
                let regularizer = read(pattern.clone(), settings);
                regularizer.map_err(|error: serde_json::Error| spelling::smuggle(&format!("\"{pattern}\""), error))
            };
            map.into_iter().map(rule).collect()
        }
        Value::Array(items) => {
            let rule = |(i, item): (usize, Value)| {
                let mut table = spelling::table::<serde_json::Error>(item)?;
                let pattern = match table.remove("match") {
                    Some(Value::String(pattern)) => Ok(pattern),
                    Some(other) => Err(serde::de::Error::custom(format!("invalid type: {other}, expected a pattern"))),
                    None => Err(serde::de::Error::missing_field("match")),
                };
                let at = |error| spelling::smuggle(&format!("[{i}]"), error);
                pattern.map_err(at).and_then(|pattern| read(pattern, Value::Object(table)).map_err(at))
            };
            items.into_iter().enumerate().map(rule).collect()
        }
        other => Err(serde::de::Error::custom(format!(
            "invalid type: {other}, expected a table of patterns, or a list of tables with `match`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNormalization, Dense, Embedding, Flatten, Grouping, Lstm, Model, PenaltyMode, Sequential};
    use serde_json::json;

    fn read(value: Value) -> Result<Policy> {
        spelling::read(value)
    }

    fn spec() -> Sequential {
        Sequential::new([4])
            .layer(Embedding::new(10, 3))
            .layer(Lstm::new(2).return_sequences(true))
            .layer(Flatten::new())
            .layer(BatchNormalization::new())
            .layer(Dense::new(2).kernel_regularizer(Regularizer::l1(0.5)))
            .layer(Dense::new(1))
    }

    fn penalized(policy: Value) -> Vec<(String, Regularizer)> {
        let slots = Model::plan(&spec().regularization(read(policy).unwrap())).unwrap();
        let penalty = |slot: ParamSlot| Some((slot.path.clone(), slot.penalty()?.clone()));
        slots.into_iter().filter_map(penalty).collect()
    }

    fn paths(policy: Value) -> Vec<String> {
        penalized(policy).into_iter().map(|(path, _)| path).collect()
    }

    #[test]
    fn a_strength_of_zero_is_written_and_read_again() {
        for policy in [
            json!({ "l2": 0.0 }),
            json!({ "l1": 0.0, "roles": ["bias"] }),
            json!({ "paths": { "dense*": { "l2": 0.0 } } }),
        ] {
            let policy = read(policy).unwrap();
            let again = read(serde_json::to_value(&policy).unwrap()).unwrap();
            assert_eq!(again, policy);
            assert!(Model::plan(&Sequential::new([2]).layer(Dense::new(1)).regularization(again)).is_ok());
        }
    }

    #[test]
    fn kernels_are_meant_unless_roles_say_otherwise() {
        let kernels = ["lstm/lstm_cell/kernel", "lstm/lstm_cell/recurrent_kernel", "dense/kernel", "dense_1/kernel"];
        assert_eq!(paths(json!({ "l2": 1e-4 })), kernels);
        assert_eq!(paths(json!("l2")), kernels);
        assert_eq!(penalized(json!({ "l2": 1e-4 }))[2].1, Regularizer::l1(0.5), "the layer's own wins");
        let biases = paths(json!({ "l2": 1e-4, "roles": ["bias", "embeddings"] }));
        assert_eq!(
            biases,
            ["embedding/embeddings", "lstm/lstm_cell/bias", "dense/kernel", "dense/bias", "dense_1/bias"]
        );
    }

    #[test]
    fn patterns_win_over_roles_and_may_except() {
        let policy = json!({ "l2": 1e-4, "paths": { "dense_1/*": { "l1": 1e-3 }, "recurrent_kernel": { "l2": 0.0 } } });
        let found = penalized(policy);
        let dense_1: Vec<_> = found.iter().filter(|(path, _)| path.starts_with("dense_1/")).collect();
        assert_eq!(dense_1.len(), 2);
        assert!(dense_1.iter().all(|(_, regularizer)| *regularizer == Regularizer::l1(1e-3)));
        assert!(!found.iter().any(|(path, _)| path.ends_with("recurrent_kernel")));
        assert_eq!(
            paths(json!({ "paths": [{ "match": "lstm/*/kernel", "l2": 1.0 }] })),
            ["lstm/lstm_cell/kernel", "dense/kernel"]
        );
    }

    #[test]
    fn a_layer_s_own_regularizer_gives_way_if_the_policy_says_so() {
        let own = json!({ "paths": { "dense/kernel": { "l2": 1.0 } } });
        let text = Model::plan(&spec().regularization(read(own).unwrap())).unwrap_err().to_string();
        assert!(text.contains("paths[0]: expected a pattern that changes some penalty, got `dense/kernel`"), "{text}");
        let policy = json!({ "l2": 1e-4, "override": true, "paths": { "lstm": { "l1": 1.0 } } });
        assert_eq!(penalized(policy.clone())[3], ("dense/kernel".to_owned(), Regularizer::l2(1e-4)));
        assert_eq!(serde_json::to_value(read(policy).unwrap()).unwrap()["override"], json!(true));
        let none = json!({ "override": true, "paths": { "dense/kernel": { "l2": 0.0 } } });
        assert_eq!(penalized(none), []);
    }

    #[test]
    fn what_means_nothing_is_named() {
        let error = |policy: Value| {
            let policy = read(policy).unwrap();
            Model::plan(&spec().regularization(policy)).unwrap_err().to_string()
        };
        let text = error(json!({ "l2": 1.0, "roles": ["kernel", "pointwise_kernel"], "paths": { "conv*": "l1" } }));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("regularization.roles[1]: ") && text.contains("got `pointwise_kernel`"), "{text}");
        assert!(text.contains("regularization.paths[0]: ") && text.contains("dense_1/bias, "), "{text}");
        assert!(!text.contains("moving"), "{text}");
        let two = error(json!({ "paths": [{ "match": "dense/*", "l2": 1.0 }, { "match": "kernel", "l1": 1.0 }] }));
        assert!(two.contains("paths[1]: expected one pattern that means `dense/kernel`"), "{two}");
        let strength = error(json!({ "l2": -1.0 }));
        assert!(
            strength.starts_with("regularization.l2: ") && strength.contains("lstm/lstm_cell/kernel"),
            "{strength}"
        );
        assert!(error(json!({ "paths": { "kernel": { "l1": -1.0 } } })).contains("regularization.paths[0].l1: "));
        assert!(error(json!({})).contains("a penalty"));
        let flat = Sequential::new([2]).layer(BatchNormalization::new()).regularization(Regularizer::l2(1.0));
        assert!(Model::plan(&flat).unwrap_err().to_string().contains("a kernel among"));
    }

    #[test]
    fn spellings() {
        let policy = Policy::new(Regularizer::l2(0.5)).roles([Role::Bias]).path("a/*", Regularizer::l1(0.1));
        assert_eq!(read(serde_json::to_value(&policy).unwrap()).unwrap(), policy);
        let grouped = read(json!({ "group_lasso": 0.1, "groups": "input", "mode": "proximal" })).unwrap();
        assert_eq!(
            grouped.regularizer,
            Some(Regularizer::group_lasso(0.1, Grouping::Input).mode(PenaltyMode::Proximal))
        );
        let error = |value: Value| read(value).unwrap_err().to_string();
        assert!(error(json!({ "group_lasso": 0.1, "groups": "inputs" })).starts_with("groups: "));
        assert!(error(json!({ "l2": 1.0, "role": ["bias"] })).contains("did you mean `roles`?"));
        assert!(error(json!({ "l3": 1.0 })).contains("l2"));
        let text = error(json!({ "l2": 1.0, "except": ["a"] }));
        assert!(text.starts_with("except: ") && text.contains("factors, roles, paths"), "{text}");
        assert!(error(json!({ "l2": 1.0, "roles": ["bais"] })).starts_with("roles"));
        assert!(error(json!({ "paths": [{ "l2": 1.0 }] })).contains("match"));
        assert!(error(json!({ "paths": 3 })).starts_with("paths"));
        assert!(error(json!({ "paths": { "a": { "l3": 1.0 } } })).starts_with("paths.\"a\""));
        assert!(error(json!(3)).contains("a table"));
    }
}
