//! A request of HTTP as an input: method and target, a line for each header, an empty line, and the
//! body.

/// What an input asks for.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'a str, &'a str)>,
    pub(crate) body: Vec<u8>,
}

/// Nothing where the head is not text.
pub(crate) fn read(bytes: &[u8]) -> Option<Request<'_>> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = bytes.split_at(end.unwrap_or(bytes.len()));
    let mut lines = str::from_utf8(head).ok()?.split('\n');
    let (method, target) = lines
        .next()
        .and_then(|line| line.split_once(' '))
        .unwrap_or(("GET", "/"));
    Some(Request {
        method,
        target,
        headers: lines.filter_map(|line| line.split_once(": ")).collect(),
        body: body.get(2..).unwrap_or_default().to_vec(),
    })
}
