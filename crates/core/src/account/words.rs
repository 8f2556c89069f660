//! The delegate key as 24 words to be written down (docs/protocol.md §1.11): BIP-39 over its seed.

use bip39::{Error, Language, Mnemonic};
use sotto_wire::key::SigningKey;
use zeroize::{Zeroize as _, Zeroizing};

/// How many there are: 256 bits and a checksum of 8.
const COUNT: usize = 24;
/// More text than 24 words and the spaces of the clumsiest paste.
const MAX_TEXT: usize = 2048;

/// Why words are not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WordsError {
    /// Too few or too many.
    #[error("not 24 words")]
    Count,
    /// The word at this place, counted from 1, is not in the list.
    #[error("word {0} is not one of the list")]
    Unknown(usize),
    /// Every word exists, but one is not the one that was written down, or they are in another order.
    #[error("the checksum does not fit")]
    Checksum,
}

impl WordsError {
    /// The code for the user interface.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Count => "recovery.word_count",
            Self::Unknown(_) => "recovery.unknown_word",
            Self::Checksum => "recovery.checksum",
        }
    }
}

/// The words of a key.
///
/// # Errors
/// None for a seed of 32 bytes; [`WordsError::Count`] for any other.
pub(crate) fn of(key: &SigningKey) -> Result<Vec<&'static str>, WordsError> {
    let mut mnemonic =
        Mnemonic::from_entropy(key.seed().as_slice()).map_err(|_| WordsError::Count)?;
    let words = mnemonic.words().collect();
    mnemonic.zeroize();
    Ok(words)
}

/// The key of these words, in any case and with any white space between them.
///
/// # Errors
/// [`WordsError`].
pub(crate) fn key(text: &str) -> Result<SigningKey, WordsError> {
    if text.len() > MAX_TEXT || text.split_whitespace().count() != COUNT {
        return Err(WordsError::Count);
    }
    let text = Zeroizing::new(text.to_lowercase());
    let mut mnemonic =
        Mnemonic::parse_in_normalized(Language::English, &text).map_err(|error| match error {
            Error::UnknownWord(index) => WordsError::Unknown(index + 1),
            Error::InvalidChecksum => WordsError::Checksum,
            _ => WordsError::Count,
        })?;
    let (entropy, length) = mnemonic.to_entropy_array();
    let entropy = Zeroizing::new(entropy);
    mnemonic.zeroize();
    let seed = entropy.get(..length).and_then(|it| it.try_into().ok());
    seed.map(SigningKey::from_seed).ok_or(WordsError::Count)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of BIP-39 for 256 bits that are all zero and all one.
    #[test]
    fn words_are_those_of_the_standard() {
        let zero = of(&SigningKey::from_seed(&[0; 32])).unwrap();
        assert_eq!(zero.len(), COUNT);
        assert_eq!((zero[0], zero[22], zero[23]), ("abandon", "abandon", "art"));
        let one = of(&SigningKey::from_seed(&[255; 32])).unwrap();
        assert_eq!((one[0], one[23]), ("zoo", "vote"));
    }

    #[test]
    fn words_lead_back_to_the_key_however_they_are_typed() {
        let made = SigningKey::from_seed(&[7; 32]);
        let words = of(&made).unwrap();
        for text in [
            words.join(" "),
            format!("  {}\n", words.join("\n\t ").to_uppercase()),
        ] {
            assert_eq!(key(&text).unwrap().public(), made.public());
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let words = of(&SigningKey::from_seed(&[7; 32])).unwrap();
        let with = |place: usize, word: &'static str| {
            let mut changed = words.clone();
            changed[place] = word;
            key(&changed.join(" ")).unwrap_err()
        };
        assert_eq!(with(4, "sotto"), WordsError::Unknown(5));
        let other = if words[4] == "zoo" { "art" } else { "zoo" };
        assert_eq!(with(4, other), WordsError::Checksum);
        assert_eq!(key(&words[..23].join(" ")).unwrap_err(), WordsError::Count);
        assert_eq!(key("").unwrap_err(), WordsError::Count);
        assert_eq!(key(&"a ".repeat(5000)).unwrap_err(), WordsError::Count);
        // As many words as BIP-39 knows for a shorter key.
        let short = "abandon ".repeat(11) + "about";
        assert_eq!(key(&short).unwrap_err(), WordsError::Count);
    }
}
