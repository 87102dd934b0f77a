//! As much HTML as a login needs: the first form of a page, and pages that navigate.

/// A form with what it sends unseen.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) method: String,
    pub(super) hidden: Vec<(String, String)>,
}

/// The first form of a page.
pub(super) fn first(html: &str) -> Option<Form> {
    let (tag, rest) = tag(html, "form")?;
    let mut inside = rest.split("</form").next().unwrap_or_default();
    let mut hidden = Vec::new();
    while let Some((input, rest)) = self::tag(inside, "input") {
        if attribute(input, "type").as_deref() == Some("hidden") {
            let name = attribute(input, "name").unwrap_or_default();
            hidden.push((name, attribute(input, "value").unwrap_or_default()));
        }
        inside = rest;
    }
    Some(Form {
        action: attribute(tag, "action").unwrap_or_default(),
        method: attribute(tag, "method").unwrap_or("get".to_owned()).to_ascii_uppercase(),
        hidden,
    })
}

/// Where `<meta http-equiv="refresh" content="0;url=…">` leads.
pub(super) fn refresh_target(html: &str) -> Option<String> {
    let mut html = html;
    while let Some((meta, rest)) = tag(html, "meta") {
        if attribute(meta, "http-equiv").is_some_and(|it| it.eq_ignore_ascii_case("refresh")) {
            let content = attribute(meta, "content")?;
            let (_, url) = content.split_once("url=")?;
            return Some(url.trim_matches(['\'', '"', ' ']).to_owned());
        }
        html = rest;
    }
    None
}

/// The attributes of the next tag of this name, and what follows it.
fn tag<'a>(html: &'a str, name: &str) -> Option<(&'a str, &'a str)> {
    let (_, after) = html.split_once(&format!("<{name}"))?;
    after.split_once('>')
}

/// The value of an attribute in double quotes.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, after) = tag.split_once(&format!(" {name}=\""))?;
    after.split_once('"').map(|(value, _)| unescape(value))
}

fn unescape(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&#x27;", "'")];
    let text = entities.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_with_its_hidden_fields() {
        let html = r#"<p>x<form method="post" action="/a?b&amp;c"><input type="hidden" name="n"
            value="&lt;1&gt;"><input name="username"></form><input type="hidden" name="other">"#;
        let form = first(html).unwrap();
        assert_eq!(form.action, "/a?b&c");
        assert_eq!(form.method, "POST");
        assert_eq!(form.hidden, [("n".to_owned(), "<1>".to_owned())]);
    }

    #[test]
    fn a_page_that_navigates_says_where() {
        let html = r#"<meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/a#b">"#;
        assert_eq!(refresh_target(html).as_deref(), Some("/a#b"));
        assert_eq!(refresh_target("<p>no</p>"), None);
    }
}
