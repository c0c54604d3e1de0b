//! A little English text.

/// Letters, lower case only, and what stands between them; every other character is not in the text.
const SYMBOLS: &str = "\n !',-.:;?abcdefghijklmnopqrstuvwxyz";
const TEXT: &str = include_str!("../../../../data/sonnets/sonnets.txt");

/// Four of Shakespeare's sonnets (18, 29, 116, 130) as tokens: for models that read character by character.
///
/// # Returns
///
/// The tokens of the text in lower case, each from 0 to 35, and the symbol that each of them stands for.
///
/// # Source
///
/// William Shakespeare, *Sonnets*, 1609. Public domain.
///
/// # Example
///
/// ```
/// use taper::data::load_sonnets;
///
/// let (tokens, symbols) = load_sonnets();
/// let text: String = tokens[..15].iter().map(|token| symbols[*token as usize]).collect();
/// assert_eq!((text.as_str(), symbols.len()), ("shall i compare", 36));
/// ```
#[must_use]
pub fn load_sonnets() -> (Vec<u8>, Vec<char>) {
    let token = |letter: char| SYMBOLS.find(letter.to_ascii_lowercase()).map(|token| token as u8);
    (TEXT.chars().filter_map(token).collect(), SYMBOLS.chars().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_character_is_lost() {
        let (tokens, symbols) = load_sonnets();
        assert_eq!(tokens.len(), TEXT.chars().count());
        assert!(tokens.iter().all(|token| usize::from(*token) < symbols.len()));
    }
}
