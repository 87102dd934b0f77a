//! What people see of the provider: a login form, and messages.

/// The login form for an authorization request.
pub(super) fn login(request: &str, client: &str, failed: bool) -> String {
    let error = match failed {
        true => r#"<p class="error" role="alert">That user name and password do not match.</p>"#,
        false => "",
    };
    let (request, client) = (escape(request), escape(client));
    frame(
        "Log in",
        &format!(
            r#"<p>to continue to <strong>{client}</strong></p>
{error}
<form method="post" action="/authorize">
<input type="hidden" name="request" value="{request}">
<label>User name
<input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<button type="submit">Log in</button>
</form>"#
        ),
    )
}

/// A page that only says something.
pub(super) fn message(title: &str, text: &str) -> String {
    frame(title, &format!("<p>{}</p>", escape(text)))
}

fn frame(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Development provider</title>
<style>{STYLE}</style>
</head>
<body>
<main>
<header aria-hidden="true"><svg viewBox="0 0 24 24" width="28" height="28" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round"><rect x="4" y="10.5" width="16" height="10" rx="2.5"/><path d="M8 10.5V7.5a4 4 0 0 1 8 0v3"/><path d="M12 14.5v2"/></svg></header>
<h1>{title}</h1>
{body}
</main>
<footer>OpenID provider for development and tests</footer>
</body>
</html>
"#
    )
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1b1f2a; --soft: #5d6577; --line: #d9dde6; --card: #fff; --back: #eef0f6; --accent: #3b4fd8; --on-accent: #fff; --error: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef4; --soft: #a0a8ba; --line: #394052; --card: #1d222e; --back: #12151d; --accent: #8d9bff; --on-accent: #12151d; --error: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-content: center; gap: 1.25rem; padding: 1.5rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back); }
main { width: min(24rem, calc(100vw - 3rem)); padding: 2.25rem; background: var(--card); border: 1px solid var(--line); border-radius: 16px; box-shadow: 0 12px 40px rgb(20 25 50 / .09); }
header { display: inline-grid; padding: .6rem; border-radius: 12px; color: var(--accent); background: color-mix(in srgb, var(--accent) 13%, transparent); }
h1 { margin: 1rem 0 0; font-size: 1.6rem; letter-spacing: -.015em; line-height: 1.2; }
p { margin: .35rem 0 0; color: var(--soft); }
p strong { color: var(--ink); font-weight: 600; }
.error { margin-top: 1rem; color: var(--error); }
form { display: grid; gap: 1rem; margin-top: 1.5rem; }
label { display: grid; gap: .35rem; font-size: .9rem; font-weight: 550; }
input { font: inherit; font-weight: 400; padding: .65rem .8rem; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
input:focus-visible, button:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
button { margin-top: .5rem; font: inherit; font-weight: 600; padding: .75rem; color: var(--on-accent); background: var(--accent); border: 0; border-radius: 10px; cursor: pointer; }
button:hover { filter: brightness(1.08); }
footer { text-align: center; font-size: .8rem; color: var(--soft); }
";

/// Text for HTML, in an element or in a quoted attribute.
fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut html, letter| {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(letter),
        }
        html
    })
}
