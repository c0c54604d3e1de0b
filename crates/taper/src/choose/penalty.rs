//! Families of penalties, by name.

use crate::{Complaint, nearest};

/// One kind of regularization with one strength.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    L2,
    L1,
    L1L2,
    Group,
    Dropout,
    EarlyStopping,
}

impl Family {
    const ALL: [(&'static str, Self); 6] = [
        ("l2", Self::L2),
        ("l1", Self::L1),
        ("l1_l2", Self::L1L2),
        ("group", Self::Group),
        ("dropout", Self::Dropout),
        ("early_stopping", Self::EarlyStopping),
    ];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, family)| *family)
    }

    /// Whether it is a term added for the weights.
    pub(crate) fn is_weight_penalty(self) -> bool {
        matches!(self, Self::L2 | Self::L1 | Self::L1L2 | Self::Group)
    }

    /// What a strength has to be, if this is none.
    fn complaint(self, value: f64) -> Option<&'static str> {
        match self {
            Self::Dropout if !(0.0..1.0).contains(&value) => Some("a rate of at least 0 and below 1"),
            Self::EarlyStopping if !(value >= 0.0 && value.fract() == 0.0 && value <= 1e9) => {
                Some("a patience: a whole number of epochs")
            }
            _ if !(value >= 0.0 && value <= f64::from(f32::MAX)) => Some("a finite number of at least 0"),
            _ => None,
        }
    }
}

/// A penalty as it is compared: one family, whose strength is chosen, and others beside it at strengths of their own
/// (`l2+dropout=0.2`). Without terms: no penalty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Penalty {
    chosen: Option<Family>,
    fixed: Vec<(Family, f64)>,
}

/// The name of the candidate without a penalty.
pub(crate) const NONE: &str = "none";

impl Penalty {
    /// Reads `l2`, `l1_l2`, `l2+dropout=0.2`, `none`. A family that stands second without a strength has its usual one:
    /// dropout 0.2, early stopping with a patience of 10 epochs, weight penalties 1e-4.
    pub(crate) fn read(text: &str) -> Result<Self, Complaint> {
        if text == NONE {
            return Ok(Self { chosen: None, fixed: vec![] });
        }
        let mut terms = Vec::new();
        for (i, word) in text.split('+').map(str::trim).enumerate() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (word, None),
            };
            let known: Vec<&str> = Family::ALL.iter().map(|(name, _)| *name).collect();
            let Some(family) = Family::named(name) else {
                let expected = format!("penalties out of {}, combined by `+`", known.join(", "));
                let complaint = Complaint::new("", expected, format!("`{name}`"));
                return Err(match nearest(name, known) {
                    Some(near) => complaint.help(format!("did you mean `{near}`?")),
                    None => complaint,
                });
            };
            let usual = match family {
                Family::Dropout => 0.2,
                Family::EarlyStopping => 10.0,
                _ => 1e-4,
            };
            let value = match value {
                Some(_) if i == 0 => {
                    let expected = "a first penalty without a strength, which is what is chosen";
                    return Err(Complaint::new("", expected, format!("`{word}`")));
                }
                Some(text) => text.parse().unwrap_or(f64::NAN),
                None => usual,
            };
            if let Some(expected) = family.complaint(value) {
                return Err(Complaint::new("", format!("{expected} behind `{name}=`"), format!("`{word}`")));
            }
            if terms.iter().any(|(other, _)| *other == family) {
                return Err(Complaint::new("", "each penalty once", format!("`{text}`")));
            }
            terms.push((family, value));
        }
        let chosen = terms.remove(0).0;
        Ok(Self { chosen: Some(chosen), fixed: terms })
    }

    /// Every family with its strength, if the chosen one has strength `value`.
    pub(crate) fn terms(&self, value: f64) -> impl Iterator<Item = (Family, f64)> {
        self.chosen.map(|family| (family, value)).into_iter().chain(self.fixed.iter().copied())
    }

    /// The family whose strength is chosen.
    pub(crate) fn family(&self) -> Option<Family> {
        self.chosen
    }

    /// Whether it has a term of this family.
    pub(crate) fn has(&self, family: Family) -> bool {
        self.terms(0.0).any(|(known, _)| known == family)
    }

    /// How strongly `value` regularizes, for comparisons within this penalty: a longer patience regularizes less.
    pub(crate) fn strength(&self, value: f64) -> f64 {
        if self.chosen == Some(Family::EarlyStopping) { -value } else { value }
    }

    /// What a strength of it has to be, if `value` is none.
    pub(crate) fn complaint(&self, value: f64) -> Option<&'static str> {
        self.chosen.and_then(|family| family.complaint(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn combinations_and_their_usual_strengths() {
        let terms = |text: &str| Penalty::read(text).unwrap().terms(0.5).collect::<Vec<_>>();
        assert_eq!(terms("l2"), [(Family::L2, 0.5)]);
        assert_eq!(terms("l2+dropout"), [(Family::L2, 0.5), (Family::Dropout, 0.2)]);
        assert_eq!(terms("dropout + l1=0.01"), [(Family::Dropout, 0.5), (Family::L1, 0.01)]);
        assert_eq!(terms("none"), []);
    }

    #[test]
    fn mistakes_name_the_nearest_penalty() {
        let error = |text: &str| Penalty::read(text).unwrap_err().to_string();
        assert!(error("early_stoping").contains("did you mean `early_stopping`?"));
        assert!(error("l2+dropout=1").contains("below 1"));
        assert!(error("l2+l2").contains("each penalty once"));
        assert!(error("l2=0.1").contains("without a strength"));
        assert!(error("").contains("l1_l2"));
    }
}
