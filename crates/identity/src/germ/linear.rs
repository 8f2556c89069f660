//! The byte encoding that Germ's protocol uses: values one after the other, keys and signatures
//! behind a byte for their algorithm, everything else behind its length. Of the encodings that a
//! value could have only the shortest is read, so that what was signed is what was read.

use sotto_wire::key::PublicKey;

use super::GermError;

/// Algorithm byte of an Ed25519 key.
pub(super) const ED25519_KEY: u8 = 3;
/// Algorithm byte of an Ed25519 signature.
pub(super) const ED25519_SIGNATURE: u8 = 0;
/// In the place of a length or a number: a longer form follows.
const LONG: u8 = 0xff;

/// Reads values from the front of some bytes.
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// What has not been read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    /// Nothing may follow.
    pub(super) fn end(self) -> Result<(), GermError> {
        self.0.is_empty().then_some(()).ok_or(GermError::Malformed)
    }

    fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], GermError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(GermError::Malformed)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn byte(&mut self) -> Result<u8, GermError> {
        let [byte] = *self.array()?;
        Ok(byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, GermError> {
        Ok(u16::from_be_bytes(*self.array()?))
    }

    /// A number of one byte, or of four behind 0xff.
    pub(super) fn number(&mut self) -> Result<u32, GermError> {
        match self.byte()? {
            LONG => {
                let number = u32::from_be_bytes(*self.array()?);
                let needed = number >= u32::from(LONG);
                needed.then_some(number).ok_or(GermError::Malformed)
            }
            short => Ok(short.into()),
        }
    }

    /// Bytes behind their length (one byte, or two behind 0xff); a length of zero is nothing.
    pub(super) fn optional_data(&mut self) -> Result<Option<&'a [u8]>, GermError> {
        let length = match self.byte()? {
            0 => return Ok(None),
            LONG => {
                let length = self.u16()?;
                let needed = length >= LONG.into();
                needed.then_some(length).ok_or(GermError::Malformed)?
            }
            short => short.into(),
        };
        let (data, rest) = self
            .0
            .split_at_checked(length.into())
            .ok_or(GermError::Malformed)?;
        self.0 = rest;
        Ok(Some(data))
    }

    pub(super) fn data(&mut self) -> Result<&'a [u8], GermError> {
        self.optional_data()?.ok_or(GermError::Malformed)
    }

    /// As many values as the first byte says, at most 254.
    pub(super) fn list<T>(
        &mut self,
        read: impl Fn(&mut Self) -> Result<T, GermError>,
    ) -> Result<Vec<T>, GermError> {
        match self.byte()? {
            LONG => Err(GermError::Malformed),
            count => (0..count).map(|_| read(self)).collect(),
        }
    }

    pub(super) fn key(&mut self) -> Result<PublicKey, GermError> {
        if self.byte()? != ED25519_KEY {
            return Err(GermError::Key);
        }
        PublicKey::from_bytes(self.array()?).map_err(|_| GermError::Key)
    }

    pub(super) fn signature(&mut self) -> Result<&'a [u8; 64], GermError> {
        if self.byte()? != ED25519_SIGNATURE {
            return Err(GermError::Key);
        }
        self.array()
    }
}

/// Appends `data` behind its length. It has at most 65535 bytes: it was read from such a field, or
/// is a DID or one of the texts of this module.
pub(super) fn write_data(out: &mut Vec<u8>, data: &[u8]) {
    match u8::try_from(data.len()) {
        Ok(length) if length != LONG => out.push(length),
        _ => {
            out.push(LONG);
            let length = u16::try_from(data.len()).unwrap_or(u16::MAX);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend_from_slice(data);
}

/// Appends a key behind its algorithm byte.
pub(super) fn write_key(out: &mut Vec<u8>, key: &PublicKey) {
    out.push(ED25519_KEY);
    out.extend(key.as_bytes());
}

/// Appends what ties a signature to an account: the kind of account (AT Protocol, 0) and its DID.
pub(super) fn write_account(out: &mut Vec<u8>, did: &str) {
    out.extend(0_u16.to_be_bytes());
    write_data(out, did.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(bytes: &[u8]) -> Result<Option<&[u8]>, GermError> {
        let mut reader = Reader::new(bytes);
        let data = reader.optional_data()?;
        reader.end()?;
        Ok(data)
    }

    #[test]
    fn lengths_have_one_form_each() {
        assert_eq!(data(&[0]), Ok(None));
        assert_eq!(data(b"\x03abc"), Ok(Some(&b"abc"[..])));
        for length in [1, 254, 255, 256, 65535] {
            let mut written = Vec::new();
            write_data(&mut written, &vec![7; length]);
            assert_eq!(data(&written), Ok(Some(&vec![7; length][..])), "{length}");
            let cut = written.split_last().unwrap().1;
            assert_eq!(data(cut), Err(GermError::Malformed), "{length}");
            written.push(7);
            assert_eq!(data(&written), Err(GermError::Malformed), "{length}");
        }
        let long_form_of_three = b"\xff\x00\x03abc";
        for refused in [&long_form_of_three[..], b"", b"\xff", b"\xff\x00\x00"] {
            assert_eq!(data(refused), Err(GermError::Malformed), "{refused:?}");
        }
    }

    #[test]
    fn numbers_have_one_form_each() {
        let number = |bytes: &[u8]| Reader::new(bytes).number();
        assert_eq!(number(&[254]), Ok(254));
        assert_eq!(number(&[0xff, 0, 0, 0, 0xff]), Ok(255));
        assert_eq!(number(&[0xff; 5]), Ok(u32::MAX));
        for refused in [&[][..], &[0xff, 0, 0, 0, 254], &[0xff, 0, 0, 1]] {
            assert_eq!(number(refused), Err(GermError::Malformed), "{refused:?}");
        }
    }

    #[test]
    fn a_list_does_not_trust_its_count() {
        let list = |bytes: &[u8]| Reader::new(bytes).list(Reader::byte);
        assert_eq!(list(&[0]), Ok(vec![]));
        assert_eq!(list(&[2, 8, 9]), Ok(vec![8, 9]));
        assert_eq!(list(&[254, 1]), Err(GermError::Malformed));
        assert_eq!(list(&[255; 300]), Err(GermError::Malformed));
    }
}
