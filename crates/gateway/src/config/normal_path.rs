//! Paths in the configuration: normal form, as requests are compared with it (R62).

use cloakroom_core::path::NormalPath;

/// What is wrong with a path.
pub(super) struct Fault {
    /// Follows the key's name: ``does not start with `/` ``.
    pub(super) what: &'static str,
    pub(super) why: &'static str,
    /// The path as it should be, where that is plain.
    pub(super) instead: Option<String>,
}

/// Why `path` is not in normal form: `/` or `/segment/segment`, without anything that two programs
/// could read differently.
pub(super) fn fault(path: &str) -> Option<Fault> {
    let found = |what, why, instead: Option<String>| {
        // A suggestion with another fault would send the reader in a circle.
        let instead = instead.filter(|instead| fault(instead).is_none());
        Some(Fault { what, why, instead })
    };
    if let Some((_, rest)) = path.split_once("://") {
        let instead = rest.find('/').map(|slash| rest[slash..].to_owned());
        return found(
            "is a URL, not a path",
            "the host is that of the public url, for all paths",
            instead,
        );
    }
    if !path.starts_with('/') {
        let instead = Some(format!("/{path}")).filter(|_| !path.is_empty());
        return found("does not start with `/`", "a path starts at the root of the site", instead);
    }
    if path == "/" {
        return None;
    }
    if path.contains(['*', '{', '}', '^', '$', '(']) {
        let instead = path.find("/*").map(|star| path[..star].to_owned());
        return found(
            "has a pattern",
            "a path stands for itself and everything below it; there are no patterns",
            instead,
        );
    }
    if path.contains(['?', '#']) {
        let end = path.find(['?', '#']).map(|end| path[..end].to_owned());
        return found("has a query or fragment", "only the path of a request is compared", end);
    }
    if path.contains('%') {
        return found(
            "has encoded characters",
            "`%2f` and its like mean one thing to one program and another to the next",
            None,
        );
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-._~!&'+,=:@".contains(c);
    if !path.chars().all(plain) {
        return found(
            "has a character that is not plain",
            "programs disagree about spaces, quotes, `\\`, `;` and letters beyond ASCII in a path",
            None,
        );
    }
    let segments: Vec<_> = path[1..].split('/').collect();
    if segments.iter().any(|segment| matches!(*segment, "." | "..")) {
        return found(
            "has dot segments",
            "a request with `.` or `..` in its path is refused before it is compared",
            None,
        );
    }
    let full = segments.iter().filter(|segment| !segment.is_empty());
    let cleaned = full.fold(String::new(), |path, segment| path + "/" + segment);
    let cleaned = Some(cleaned).filter(|cleaned| !cleaned.is_empty());
    if segments.last() == Some(&"") {
        return found(
            "ends with `/`",
            "a path stands for itself and everything below it, without the slash",
            cleaned,
        );
    }
    if segments.contains(&"") {
        return found(
            "has an empty segment",
            "a request with `//` in its path is refused before it is compared",
            cleaned,
        );
    }
    if NormalPath::parse(path).ok().is_none_or(|normal| normal.as_str() != path) {
        return found(
            "is not in normal form",
            "no request would ever have this path when it is compared",
            None,
        );
    }
    None
}

/// Whether `path` is `prefix` or below it, by whole segments.
pub(super) fn is_under(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_and_what_was_meant() {
        for (path, instead) in [
            ("api", Some("/api")),
            ("/api/", Some("/api")),
            ("//api", Some("/api")),
            ("/api/*", Some("/api")),
            ("/api?x=1", Some("/api")),
            ("http://localhost:3000/api", Some("/api")),
            ("", None),
            ("/%61pi", None),
            ("/a/../b", None),
            ("/a;v=1", None),
            ("/a b", None),
            ("/straße", None),
            ("/a\\b", None),
            ("//", None),
            ("/a\"b", None),
            ("/a|b", None),
            ("/a/.../b", None),
        ] {
            let fault = fault(path).expect(path);
            assert_eq!(fault.instead.as_deref(), instead, "{path}");
        }
        for path in ["/", "/api", "/api/v1", "/a.b", "/.well-known", "/~me", "/a:b@c"] {
            assert!(fault(path).is_none(), "{path}");
        }
    }

    #[test]
    fn prefixes_are_whole_segments() {
        assert!(is_under("/auth", "/auth"));
        assert!(is_under("/auth/x", "/auth"));
        assert!(!is_under("/author", "/auth"));
        assert!(is_under("/x", "/"));
    }
}
