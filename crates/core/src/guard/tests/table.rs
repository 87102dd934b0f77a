//! Every combination of what the guard looks at, judged a second time by the text of R36–R39 and R43.

use super::{
    super::GuardRefusal::{self, CrossSite, ForeignOrigin, HeaderRequired, OriginMissing},
    OURS, guard, headers, ours, strict_guard,
};
use http::Method;

const METHODS: [&str; 10] =
    ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "QUERY"];
/// Each header as often as it comes, with its values.
const SITES: [&[&str]; 9] = [
    &[],
    &["same-origin"],
    &["same-site"],
    &["cross-site"],
    &["none"],
    &["of-tomorrow"],
    &[""],
    &["same-origin", "same-origin"],
    &["none", "same-origin"],
];
const MODES: [&[&str]; 5] =
    [&[], &["navigate"], &["cors"], &["websocket"], &["navigate", "navigate"]];
const ORIGINS: [&[&str]; 9] = [
    &[],
    &[OURS],
    &["null"],
    &["https://evil.example"],
    &["https://shop.example.com.evil"],
    &["https://shop.example.com:8443"],
    &["http://shop.example.com"],
    &[OURS, OURS],
    &["https://evil.example", OURS],
];
const UPGRADES: [&[&str]; 3] = [&[], &["websocket"], &["h2c"]];
const REQUIRED: [&[&str]; 3] = [&[], &[""], &["fetch"]];

/// What the requirements say, from the request's side: who may have sent this?
fn expected(
    method: &str,
    [site, mode, origin, upgrade, required]: [&[&str]; 5],
    header_is_required: bool,
) -> Result<(), GuardRefusal> {
    let changes_something = !["GET", "HEAD", "OPTIONS"].contains(&method);
    let browser_vouches = match site {
        ["same-origin"] => true,
        // Nobody's page: the user typed it. A page cannot make that happen with another method (R38).
        ["none"] if mode == ["navigate"] && !changes_something => true,
        [] => false,
        _ => return Err(CrossSite),
    };
    let page_is_ours = match origin {
        [one] if *one == "https://shop.example.com" => true,
        [] => false,
        _ => return Err(ForeignOrigin),
    };
    if !upgrade.is_empty() && !page_is_ours {
        return Err(OriginMissing);
    }
    if changes_something && !browser_vouches && !page_is_ours {
        return Err(OriginMissing);
    }
    if header_is_required && changes_something && required != ["fetch"] {
        return Err(HeaderRequired);
    }
    Ok(())
}

#[test]
fn every_combination_is_decided_as_required_r36_r37_r38_r39_r43() {
    let mut passed = 0;
    let mut judged = 0;
    for method in METHODS {
        for site in SITES {
            for mode in MODES {
                for origin in ORIGINS {
                    for upgrade in UPGRADES {
                        for required in REQUIRED {
                            let row = [site, mode, origin, upgrade, required];
                            judged += 2;
                            passed += check(method, row);
                        }
                    }
                }
            }
        }
    }
    // The table has both kinds of rows.
    assert!(passed > 500 && passed < judged / 10, "{passed} of {judged}");
}

/// How many of the two guards let the row pass.
fn check(method: &str, row: [&[&str]; 5]) -> u32 {
    const NAMES: [&str; 5] =
        ["sec-fetch-site", "sec-fetch-mode", "origin", "upgrade", "x-requested-with"];
    let list: Vec<(&str, &str)> = NAMES
        .iter()
        .zip(row)
        .flat_map(|(name, values)| values.iter().map(move |value| (*name, *value)))
        .collect();
    let headers = headers(&list);
    let parsed = Method::from_bytes(method.as_bytes()).unwrap();
    let mut passed = 0;
    for (guard, header_is_required) in [(guard(), false), (strict_guard(), true)] {
        let found = guard.check(&parsed, &headers, &ours()).map(|_| ());
        assert_eq!(found, expected(method, row, header_is_required), "{method} {list:?}");
        passed += u32::from(found.is_ok());
    }
    passed
}
