//! `allow_origins` in `[guard]`: whose pages may call us from elsewhere (R42).

use cloakroom_core::{cookie::SameSite, origin::is_loopback_to_browsers};
use url::{Host, Url};

use super::report::Report;
use super::written::Written;

/// The origins that are listed. `served` are our own, as far as they could be read; the cookie's
/// `same_site` is `None` where it could not be read.
pub(super) fn check(
    list: &[Written<String>],
    served: &[&Url],
    same_site: Option<SameSite>,
    report: &mut Report,
) -> Option<Vec<Url>> {
    let mut found: Vec<Url> = Vec::new();
    let mut all_right = true;
    for written in list {
        let Some(url) = check_origin(written, served, same_site, report) else {
            all_right = false;
            continue;
        };
        if found.iter().any(|other| other.origin() == url.origin()) {
            report
                .wrong(written.at(), "`allow_origins` repeats an origin")
                .why("it is listed already; an origin is the same with and without its scheme's own port")
                .write("each origin once");
            all_right = false;
            continue;
        }
        warn(&url, served, report);
        found.push(url);
    }
    all_right.then_some(found)
}

fn check_origin(
    written: &Written<String>,
    served: &[&Url],
    same_site: Option<SameSite>,
    report: &mut Report,
) -> Option<Url> {
    const EXAMPLE: &str = "allow_origins = [\"https://app.example.com\"]";
    let text = written.value.as_str();
    let mut wrong = |what: &str, why: &str, write: &str| {
        report.wrong(written.at(), format!("`allow_origins` {what}")).why(why).write(write);
    };
    if text.contains('*') {
        wrong(
            "has a wildcard",
            "pages of these origins act as your users, so each is named: a pattern would also let in names that nobody has looked at",
            EXAMPLE,
        );
        return None;
    }
    if text == "null" {
        wrong(
            "has `null`",
            "`null` is no origin but the lack of one: any page can call from a sandboxed frame",
            EXAMPLE,
        );
        return None;
    }
    let url = Url::parse(text).ok();
    let url = url.filter(|url| url.has_host() && matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        wrong(
            "has something that is no origin",
            "an origin is `https://` and a host, with a port where the browser shows one",
            EXAMPLE,
        );
        return None;
    };
    let origin = url.origin().ascii_serialization();
    if url.scheme() == "http" && !is_loopback_to_browsers(&url) {
        wrong(
            "has an origin without TLS",
            "whoever is on the network of a user writes that page, and would act as the user; only localhost may be http",
            &format!("allow_origins = [\"{}\"]", origin.replacen("http:", "https:", 1)),
        );
        return None;
    }
    if !super::bare_url::is_bare(&url) {
        wrong(
            "has more than scheme, host and port",
            "browsers say of a page's address no more than that, so all pages of the origin are let in",
            &format!("allow_origins = [\"{origin}\"]"),
        );
        return None;
    }
    if let [only] = served
        && only.origin() == url.origin()
    {
        wrong(
            "has the gateway's own origin, and it has no other",
            "its pages call it anyway; the list is for pages of other origins",
            "leave it out; or name further hosts of this gateway, which those pages are to call, in `also` of [public]",
        );
        return None;
    }
    let bound = same_site.is_some_and(|same_site| same_site != SameSite::None);
    if bound && is_another_site(&url, served) {
        wrong(
            "has an origin of another site",
            "browsers send no cookie from there that is `SameSite=Lax` or `Strict`, so its pages would always be logged out",
            "serve the page at a sibling of this gateway's host, such as https://app.example.com for https://api.example.com;\n\
             or, in [cookie], same_site = \"none\"",
        );
        return None;
    }
    Some(url)
}

fn warn(url: &Url, served: &[&Url], report: &mut Report) {
    let origin = url.origin().ascii_serialization();
    let mut opens = format!(
        "a script in a page of {origin} acts here as the user who opens it, as one in your own page would, and reads the answers: whoever can put one there, or takes over that name"
    );
    if url.scheme() == "http" && served.iter().any(|served| served.scheme() == "https") {
        opens += ", and any program on a user's machine";
    }
    report.warn(format!("guard allow_origins has {origin} (R42)"), opens);
}

/// Whether no browser takes a page of `url` for the same site as any origin that is served, so that only
/// cookies with `SameSite=None` come from there.
///
/// Where it says no, the sites may differ still: which domains strangers share (`co.uk`) is not known here.
pub(crate) fn is_another_site(url: &Url, served: &[&Url]) -> bool {
    !served.iter().any(|served| served.scheme() == url.scheme() && share_a_domain(served, url))
}

fn share_a_domain(one: &Url, other: &Url) -> bool {
    match (one.host(), other.host()) {
        (Some(Host::Domain(one)), Some(Host::Domain(other))) if one != other => {
            let same = |(one, other): &(&str, &str)| one == other;
            one.rsplit('.').zip(other.rsplit('.')).take_while(same).count() >= 2
        }
        (one, other) => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::is_another_site;

    #[test]
    fn sites_are_told_apart_as_far_as_that_goes() {
        for (page, served, another) in [
            ("https://app.example.com", "https://api.example.com", false),
            ("https://example.com", "https://api.example.com", false),
            ("https://app.example.com:8443", "https://app.example.com", false),
            ("http://localhost:5173", "http://localhost:8080", false),
            ("http://app.shop.localhost", "http://api.shop.localhost", false),
            // `localhost` is to browsers what `com` is.
            ("http://app.localhost", "http://api.localhost", true),
            ("http://127.0.0.1:5173", "http://localhost:8080", true),
            ("http://127.0.0.1:5173", "http://127.0.0.1:8080", false),
            ("https://app.example.org", "https://api.example.com", true),
            ("https://example.com.evil.example", "https://api.example.com", true),
            ("https://appexample.com", "https://api.example.com", true),
            ("http://localhost", "https://localhost", true),
        ] {
            let (page, served) = (page.parse().unwrap(), served.parse().unwrap());
            assert_eq!(is_another_site(&page, &[&served]), another, "{page} {served}");
        }
    }
}
