//! Reading deterministic CBOR item by item, without a tree in between: content is decoded for every
//! message, and what is in it is mostly one string.

use super::{ContentError, MessageId};
use crate::cbor::{CborError, Scanner};

/// How deep containers and tags may nest in an extension, the map of extensions included
/// (draft-ietf-mimi-content-08 §6.3).
const EXTENSION_DEPTH: usize = 4;

pub(super) struct Reader<'a>(Scanner<'a>);

impl From<CborError> for ContentError {
    fn from(_: CborError) -> Self {
        Self::Malformed
    }
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(Scanner { rest: bytes })
    }

    pub(super) fn end(&self) -> Result<(), ContentError> {
        self.0
            .rest
            .is_empty()
            .then_some(())
            .ok_or(ContentError::Malformed)
    }

    fn first(&self) -> Option<u8> {
        self.0.rest.first().copied()
    }

    fn argument(&mut self, major: u8) -> Result<u64, ContentError> {
        match self.0.head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(ContentError::Malformed),
        }
    }

    /// The number of elements.
    pub(super) fn array(&mut self) -> Result<u64, ContentError> {
        self.argument(4)
    }

    /// As many elements as this.
    pub(super) fn array_of(&mut self, len: u64) -> Result<(), ContentError> {
        if self.array()? == len {
            Ok(())
        } else {
            Err(ContentError::Malformed)
        }
    }

    pub(super) fn uint<T: TryFrom<u64>>(&mut self) -> Result<T, ContentError> {
        T::try_from(self.argument(0)?).map_err(|_| ContentError::Malformed)
    }

    pub(super) fn bool(&mut self) -> Result<bool, ContentError> {
        match self.argument(7)? {
            20 => Ok(false),
            21 => Ok(true),
            _ => Err(ContentError::Malformed),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], ContentError> {
        let len = self.argument(2)?;
        Ok(self.0.take_u64(len)?)
    }

    pub(super) fn bytes_of<const N: usize>(&mut self) -> Result<[u8; N], ContentError> {
        self.bytes()?
            .try_into()
            .map_err(|_| ContentError::Malformed)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, ContentError> {
        let len = self.argument(3)?;
        std::str::from_utf8(self.0.take_u64(len)?).map_err(|_| ContentError::Malformed)
    }

    pub(super) fn or_null<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ContentError>,
    ) -> Result<Option<T>, ContentError> {
        if self.first() == Some(0xf6) {
            self.0.take(1)?;
            return Ok(None);
        }
        read(self).map(Some)
    }

    pub(super) fn message_id(&mut self) -> Result<Option<MessageId>, ContentError> {
        self.or_null(Self::bytes_of)
    }

    /// Checks the map of extensions and passes it over.
    pub(super) fn extensions(&mut self) -> Result<(), ContentError> {
        let count = self.argument(5)?;
        self.entries(count, 1, |reader, key| match key {
            // Sender and room: what the frame says of them counts.
            [1] | [2] => reader.text().map(drop),
            _ => reader.any(1),
        })
    }

    /// Entries of a map in the order of their keys.
    fn entries(
        &mut self,
        count: u64,
        depth: usize,
        mut value: impl FnMut(&mut Self, &[u8]) -> Result<(), ContentError>,
    ) -> Result<(), ContentError> {
        let mut previous: &[u8] = &[];
        for _ in 0..count {
            let start = self.0.rest;
            let (major, argument) = self.0.head()?;
            match major {
                0 | 1 => {}
                2 if depth > 1 => drop(self.0.take_u64(argument)?),
                3 if depth > 1 || (1..=255).contains(&argument) => {
                    std::str::from_utf8(self.0.take_u64(argument)?)
                        .map_err(|_| ContentError::Malformed)?;
                }
                _ => return Err(ContentError::Malformed),
            }
            let len = start.len() - self.0.rest.len();
            let key = start.get(..len).ok_or(ContentError::Malformed)?;
            if previous >= key {
                return Err(ContentError::Malformed);
            }
            previous = key;
            value(self, key)?;
        }
        Ok(())
    }

    /// Any value inside a container of this depth. Floats and `undefined`, which nothing else on
    /// the wire may be, are let through in any width: they are not read.
    fn any(&mut self, depth: usize) -> Result<(), ContentError> {
        let simple = match self.first() {
            Some(0xf7) => 1,
            Some(0xf9) => 3,
            Some(0xfa) => 5,
            Some(0xfb) => 9,
            _ => 0,
        };
        if simple > 0 {
            self.0.take(simple)?;
            return Ok(());
        }
        let (major, argument) = self.0.head()?;
        if (4..=6).contains(&major) && depth >= EXTENSION_DEPTH {
            return Err(ContentError::Malformed);
        }
        match major {
            2 => drop(self.0.take_u64(argument)?),
            3 => {
                let text = self.0.take_u64(argument)?;
                std::str::from_utf8(text).map_err(|_| ContentError::Malformed)?;
            }
            4 => (0..argument).try_for_each(|_| self.any(depth + 1))?,
            5 => self.entries(argument, depth + 1, |reader, _| reader.any(depth + 1))?,
            6 => self.any(depth + 1)?,
            _ => {}
        }
        Ok(())
    }
}
