//! One pass over the bytes that decides whether they are deterministic CBOR (RFC 8949 §4.2.1 as
//! narrowed by docs/protocol.md §0), without allocating.

use super::{CborError, MAX_DEPTH};

/// Accepts exactly one deterministic item and nothing behind it.
pub(super) fn check(input: &[u8]) -> Result<(), CborError> {
    if first_item_len(input)? == input.len() {
        Ok(())
    } else {
        Err(CborError::Malformed)
    }
}

/// The length in bytes of the deterministic item at the front of `input`.
pub(crate) fn first_item_len(input: &[u8]) -> Result<usize, CborError> {
    let mut scanner = Scanner { rest: input };
    scanner.item(0)?;
    Ok(input.len() - scanner.rest.len())
}

/// Reads deterministic CBOR from the front of its input, item by item.
pub(crate) struct Scanner<'a> {
    pub(crate) rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], CborError> {
        let (head, rest) = self
            .rest
            .split_at_checked(len)
            .ok_or(CborError::Malformed)?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn take_u64(&mut self, len: u64) -> Result<&'a [u8], CborError> {
        self.take(usize::try_from(len).map_err(|_| CborError::Malformed)?)
    }

    /// Reads an item's first byte and its argument, which must be in its shortest form.
    pub(crate) fn head(&mut self) -> Result<(u8, u64), CborError> {
        let first = *self.take(1)?.first().ok_or(CborError::Malformed)?;
        let (major, info) = (first >> 5, first & 0x1f);
        let (width, least) = match info {
            0..=23 => return Ok((major, u64::from(info))),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            // 31 is an indefinite length; 28 to 30 are not CBOR.
            31 => return Err(CborError::NotDeterministic),
            _ => return Err(CborError::Malformed),
        };
        let bytes = self.take(width)?;
        let argument = bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte));
        // Major type 7 has floats here, and simple values above 23: no format has either.
        if major == 7 || argument < least {
            return Err(CborError::NotDeterministic);
        }
        Ok((major, argument))
    }

    fn item(&mut self, depth: usize) -> Result<(), CborError> {
        let (major, argument) = self.head()?;
        if (4..=6).contains(&major) && depth >= MAX_DEPTH {
            return Err(CborError::Malformed);
        }
        match major {
            0 | 1 => Ok(()),
            2 => self.take_u64(argument).map(drop),
            3 => match std::str::from_utf8(self.take_u64(argument)?) {
                Ok(_) => Ok(()),
                Err(_) => Err(CborError::Malformed),
            },
            // Every element takes a byte at least, so a huge count ends at the end of the input.
            4 => (0..argument).try_for_each(|_| self.item(depth + 1)),
            5 => self.entries(argument, depth + 1),
            6 => self.item(depth + 1),
            // false, true, null
            _ if (20..=22).contains(&argument) => Ok(()),
            _ => Err(CborError::NotDeterministic),
        }
    }

    fn entries(&mut self, count: u64, depth: usize) -> Result<(), CborError> {
        let mut previous: Option<&[u8]> = None;
        for _ in 0..count {
            let start = self.rest;
            self.item(depth)?;
            let key = start
                .get(..start.len() - self.rest.len())
                .ok_or(CborError::Malformed)?;
            if previous.is_some_and(|previous| previous >= key) {
                return Err(CborError::NotDeterministic);
            }
            previous = Some(key);
            self.item(depth)?;
        }
        Ok(())
    }
}
