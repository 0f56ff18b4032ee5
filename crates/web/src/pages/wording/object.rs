//! What a request touched, piece by piece: `client/4711/service/9` is also something of client 4711.

use crate::pages::wording::link::{Links, REQUESTS, term};

/// An object, and everything that ever touched it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectLink {
    /// What is shown of it after the one before: `/service/9`.
    pub(crate) text: String,
    /// The whole of it: `client/4711/service/9`.
    pub(crate) object: String,
    pub(crate) href: String,
}

/// The object's parents and itself, outermost first. A kind and its id belong together.
pub(crate) fn pieces(object: &str, links: &Links) -> Vec<ObjectLink> {
    let mut ends: Vec<usize> = object.match_indices('/').map(|(at, _)| at).collect();
    ends = ends.into_iter().skip(1).step_by(2).collect();
    ends.push(object.len());
    let mut from = 0;
    let mut pieces = Vec::new();
    for end in ends {
        let (Some(whole), Some(text)) = (object.get(..end), object.get(from..end)) else {
            continue;
        };
        if text.trim_matches('/').is_empty() {
            continue;
        }
        let words = term("object", whole);
        pieces.push(ObjectLink {
            text: text.to_owned(),
            object: whole.to_owned(),
            href: links.fresh_at(REQUESTS, |query| {
                query.q = words;
                // Whoever asks what happened to it means ever.
                query.from = Some(String::new());
                query.to = None;
            }),
        });
        from = end;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ViewQuery;

    #[test]
    fn parents_lead_to_everything_below_them() {
        let links = Links::new(REQUESTS, ViewQuery::parse("q=method:PUT&from=-1h"));
        let told = |object: &str| {
            let pieces = pieces(object, &links).into_iter();
            pieces
                .map(|piece| (piece.text, piece.object))
                .collect::<Vec<_>>()
        };
        let pair = |text: &str, object: &str| (text.to_owned(), object.to_owned());
        assert_eq!(
            told("client/4711/service/9"),
            [
                pair("client/4711", "client/4711"),
                pair("/service/9", "client/4711/service/9"),
            ]
        );
        assert_eq!(told("settings"), [pair("settings", "settings")]);
        assert_eq!(
            told("client/4711/notes"),
            [
                pair("client/4711", "client/4711"),
                pair("/notes", "client/4711/notes"),
            ]
        );
        assert_eq!(
            pieces("client/4711", &links)[0].href,
            "/monitoring/admin-sessions?q=object%3Aclient%2F4711&from="
        );
    }
}
