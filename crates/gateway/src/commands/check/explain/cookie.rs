//! The session cookie and the defence against other sites, in words: what each choice opens.

use std::fmt::{self, Write};

use cloakroom_core::cookie::{Prefix, SameSite};

use crate::config::{Config, Persistence, SessionMode, is_another_site};

/// The cookie as it is set, and what each of its attributes means.
pub(super) fn write_cookie(text: &mut String, config: &Config) -> fmt::Result {
    let cookie = &config.cookie;
    let domain = cookie.parent_domain.as_ref();
    let (age, life) = match cookie.persistence {
        Persistence::Persistent => (
            format!("; Max-Age={}", config.session.absolute_timeout.as_secs()),
            "survives a restart of the browser: whoever opens it next is still logged in",
        ),
        Persistence::BrowserSession => {
            (String::new(), "is gone when the browser is closed, unless it restores what was open")
        }
    };
    let name = match config.session.mode {
        SessionMode::Server | SessionMode::Sealed => cookie.name.to_string(),
        SessionMode::Jwt => {
            format!("{}{}", cookie.name.prefix().as_str(), config.session.access_cookie)
        }
    };
    writeln!(
        text,
        "  Set-Cookie: {name}=…; Path=/; Secure; HttpOnly; SameSite={}{}{age}",
        cookie.same_site.as_str(),
        domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default(),
    )?;
    writeln!(text, "  the cookie {life}")?;
    match (domain, cookie.name.prefix()) {
        (Some(domain), _) => {
            writeln!(text, "  one login counts on every host served here")?;
            writeln!(
                text,
                "  every host below {domain} receives the cookie and can set another in its place"
            )?;
        }
        (None, Prefix::Host) => writeln!(text, "  no other host can read it or set it")?,
        (None, Prefix::HostHttp) => writeln!(
            text,
            "  no other host can read it or set it, and no script, where the browser knows the prefix"
        )?,
        (None, Prefix::Secure | Prefix::Unprotected) => writeln!(
            text,
            "  no other host can read it; every host of the same site can set one of its name"
        )?,
    }
    let others = match cookie.same_site {
        SameSite::Lax => {
            "a followed link from another site brings it; a form, a frame or a fetch from there does not"
        }
        SameSite::Strict => {
            "a link from another site arrives without the session until the page's own first request"
        }
        SameSite::None => "every request that any site has the browser send brings it",
    };
    writeln!(text, "  {others}")
}

/// What is asked of requests, so that no other site makes them.
pub(super) fn write_guard(text: &mut String, config: &Config) -> fmt::Result {
    writeln!(text, "\nRequests from other sites")?;
    writeln!(text, "  are refused, by Fetch Metadata and Origin")?;
    if !config.also.is_empty() {
        writeln!(
            text,
            "  so are those of one address to another, although they are the same site"
        )?;
    }
    let served: Vec<_> = std::iter::once(&config.public_url).chain(&config.also).collect();
    for origin in &config.guard.allow_origins {
        let prefix = &config.auth.prefix;
        writeln!(
            text,
            "  but for pages of {}: they call every route that takes sessions, and\n      \
             {prefix}/session, events, refresh and logout, with the user's cookie, and read the answers",
            origin.origin().ascii_serialization()
        )?;
        if is_another_site(origin, &served) {
            writeln!(
                text,
                "      it is another site: from there only browsers that send third-party cookies have a session"
            )?;
        }
    }
    if let Some(header) = &config.guard.required_header {
        writeln!(text, "  requests with an unsafe method must also carry the header {header}")?;
    }
    if let Some(token) = &config.guard.csrf_token {
        let session = format!("{}/session", config.auth.prefix);
        writeln!(
            text,
            "  requests with an unsafe method and a session must bring its CSRF token in {}",
            token.header
        )?;
        match &token.cookie {
            Some(cookie) => writeln!(
                text,
                "  the page finds it in the cookie {cookie}, which scripts can read, and as csrfToken in {session}"
            )?,
            None => writeln!(text, "  the page finds it as csrfToken in {session}")?,
        }
    }
    Ok(())
}
