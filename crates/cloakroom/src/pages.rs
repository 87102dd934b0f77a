//! The few small pages that Cloakroom itself shows. None runs a script.

use http::{
    HeaderMap, HeaderValue,
    header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
};

use crate::reason::Reason;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:18vh auto;\
padding:0 1.5rem;color:#1c1b22;background:#fbfaf8}a{color:#1d4ed8}small{color:#6b6875}\
@media(prefers-color-scheme:dark){body{color:#eceaf2;background:#17161b}a{color:#93b4ff}small{color:#a7a3b3}}";

/// What a person sees whose navigation was refused.
pub(crate) fn refusal(reason: Reason, request_id: &str, continue_to: Option<&str>) -> String {
    let link = continue_to.map_or(String::new(), |path| {
        let text = match reason {
            Reason::CrossSite => "Continue to this page",
            _ => "Try again",
        };
        format!("<p><a href=\"{}\">{text}</a></p>", escape(path))
    });
    page(
        reason.title(),
        "",
        &format!(
            "<h1>{}</h1>{link}<p><small>{} · request {}</small></p>",
            escape(reason.title()),
            reason.as_str(),
            escape(request_id)
        ),
    )
}

/// Asks for a click before a login that another site's link began (R40).
pub(crate) fn confirm_login(login: &str) -> String {
    let link = format!(
        "<h1>Log in</h1><p>You came here from another site. <a href=\"{}\">Log in</a></p>",
        escape(login)
    );
    page("Log in", "", &link)
}

/// Navigates by itself, from a page of ours (R22, F2).
pub(crate) fn navigate(path: &str) -> String {
    let path = escape(path);
    let refresh = format!("<meta http-equiv=\"refresh\" content=\"0;url={path}\">");
    page("Logged in", &refresh, &format!("<p><a href=\"{path}\">Continue</a></p>"))
}

/// The headers of all these pages: nothing loads, nothing frames them.
pub(crate) fn protect(headers: &mut HeaderMap) {
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'",
        ),
    );
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
}

fn page(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">{head}\
         <title>{}</title><style>{STYLE}</style><body>{body}</body></html>",
        escape(title)
    )
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}
