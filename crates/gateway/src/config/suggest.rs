//! Did you mean …?

/// The candidate closest to `wrong`, if it is close enough to be meant.
pub(super) fn closest<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wrong = wrong.to_lowercase().replace('-', "_");
    let near = |candidate: &str| {
        let distance = distance(&wrong, candidate);
        let bound = (candidate.chars().count() / 3).max(1);
        // `secret` for `client_secret`, `timeout` for `idle_timeout`.
        let part = wrong.len() >= 4 && candidate.split('_').any(|word| word == wrong);
        (distance <= bound || part).then_some(distance)
    };
    candidates
        .into_iter()
        .filter_map(|candidate| near(candidate).map(|distance| (distance, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters must be changed, added, removed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().take(64).collect();
    let b: Vec<char> = b.chars().take(64).collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + change);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(before[j - 2] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "abc", 3),
            ("issuer", "issuer", 0),
            ("isuser", "issuer", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn only_what_may_be_meant_is_suggested() {
        let keys = ["issuer", "client_id", "client_secret", "client_auth", "scopes"];
        assert_eq!(closest("isuer", keys), Some("issuer"));
        assert_eq!(closest("client-id", keys), Some("client_id"));
        assert_eq!(closest("secret", keys), Some("client_secret"));
        assert_eq!(closest("Scope", keys), Some("scopes"));
        assert_eq!(closest("redirect_uri", keys), None);
    }
}
