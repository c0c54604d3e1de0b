//! The literature's examples, as experiment files with a header that says where they come from.

use crate::failure::Failure;

/// One recipe.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// The experiment file.
    pub(crate) text: &'static str,
}

/// Names a file of the folder `recipes`.
macro_rules! recipes {
    ($($name:literal,)+) => {
        /// All of them, in the order of their kinds.
        pub(crate) const RECIPES: &[Recipe] =
            &[$(Recipe { name: $name, text: include_str!(concat!("../recipes/", $name, ".toml")) },)+];
    };
}

recipes! {
    "mlp",
    "neural-smithing",
    "alexnet",
    "vgg",
    "inception-v3",
    "xception",
    "nas-child",
    "nas-controller",
    "char-lstm",
    "speech-seq2seq",
}

impl Recipe {
    /// A line of the header: `# Paper: …`.
    pub(crate) fn field(&self, key: &str) -> &'static str {
        let value = |line: &'static str| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": ");
        self.text.lines().find_map(value).unwrap_or("–")
    }
}

/// A recipe by name, or a complaint with the nearest one.
pub(crate) fn find(name: &str) -> Result<Recipe, Failure> {
    RECIPES.iter().find(|recipe| recipe.name == name).copied().ok_or_else(|| {
        let names: Vec<&str> = RECIPES.iter().map(|recipe| recipe.name).collect();
        let complaint = taper::Complaint::new("NAME", format!("one of {}", names.join(", ")), format!("`{name}`"));
        let complaint = match taper::nearest(name, names) {
            Some(near) => complaint.help(format!("did you mean `{near}`?")),
            None => complaint,
        };
        taper::Error::from(complaint).into()
    })
}
