//! What comes back from the provider by way of the browser (R4, R6, R21).

use std::time::Duration;

use cloakroom_core::time::Timestamp;
use url::form_urlencoded;

use super::{ISSUER, NOW, client, metadata, parameter, query_of, start};
use crate::{CallbackError, CallbackQuery, Code, Metadata, Refusal, Transaction, judge_callback};

struct Callback {
    transaction: Transaction,
    state: String,
    metadata: Metadata,
}

impl Callback {
    fn new() -> Self {
        let (transaction, url) = start();
        let state = parameter(&query_of(&url), "state").unwrap().to_owned();
        Self { transaction, state, metadata: metadata() }
    }

    /// A provider that does not announce `iss` in its responses.
    fn without_iss() -> Self {
        Self { metadata: Metadata { sends_iss: false, ..metadata() }, ..Self::new() }
    }

    fn judge(&self, query: &str) -> Result<Code, CallbackError> {
        self.judge_at(query, NOW)
    }

    fn judge_at(&self, query: &str, now: Timestamp) -> Result<Code, CallbackError> {
        let query = query.replace("{state}", &self.state).replace("{iss}", &encode(ISSUER));
        judge_callback(&self.transaction, &client(), &self.metadata, &query, now)
    }
}

fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[test]
fn a_good_callback() {
    let callback = Callback::new();
    let code = callback.judge("code=abc%2F%2B1&state={state}&iss={iss}&session_state=x").unwrap();
    assert_eq!(code.token().expose(), "abc/+1");
    assert!(Callback::without_iss().judge("state={state}&code=abc").is_ok());
}

#[test]
fn r4_state_must_be_this_transactions() {
    let callback = Callback::new();
    let (other, cut) = ("A".repeat(43), callback.state[..42].to_owned());
    for state in
        [other, cut, format!("{}A", callback.state), callback.state.to_lowercase(), String::new()]
    {
        let query = format!("code=abc&state={state}&iss={{iss}}");
        assert_eq!(callback.judge(&query).unwrap_err(), CallbackError::WrongState, "{state}");
    }
    for query in ["code=abc&iss={iss}", "code=abc&State={state}&iss={iss}", ""] {
        assert_eq!(callback.judge(query).unwrap_err(), CallbackError::WrongState, "{query}");
    }
    // An error of another login does not count here either.
    let query = "error=access_denied&state=x&iss={iss}";
    assert_eq!(callback.judge(query).unwrap_err(), CallbackError::WrongState);
}

#[test]
fn r6_iss_must_be_the_issuer() {
    let (announced, silent) = (Callback::new(), Callback::without_iss());
    for what in ["code=abc", "error=access_denied"] {
        for iss in [
            "https://evil.example".to_owned(),
            format!("{ISSUER}/"),
            ISSUER.to_uppercase(),
            ISSUER.replace("https", "http"),
            String::new(),
        ] {
            let query = format!("{what}&state={{state}}&iss={}", encode(&iss));
            assert_eq!(announced.judge(&query).unwrap_err(), CallbackError::WrongIssuer, "{iss}");
            assert_eq!(silent.judge(&query).unwrap_err(), CallbackError::WrongIssuer, "{iss}");
        }
        let query = format!("{what}&state={{state}}");
        assert_eq!(announced.judge(&query).unwrap_err(), CallbackError::WrongIssuer, "missing");
        assert_ne!(silent.judge(&query).err(), Some(CallbackError::WrongIssuer));
    }
}

#[test]
fn r21_a_login_takes_ten_minutes_at_most() {
    let callback = Callback::new();
    let query = "code=abc&state={state}&iss={iss}";
    let last = NOW.plus(Transaction::LIFETIME - Duration::from_millis(1));
    assert!(callback.judge_at(query, last).is_ok());
    let late = NOW.plus(Transaction::LIFETIME);
    assert_eq!(callback.judge_at(query, late).unwrap_err(), CallbackError::Expired);
    assert!(callback.transaction.is_expired(late) && !callback.transaction.is_expired(last));
    let query = "error=access_denied&state={state}&iss={iss}";
    assert_eq!(callback.judge_at(query, late).unwrap_err(), CallbackError::Expired);
}

#[test]
fn no_parameter_twice() {
    let callback = Callback::new();
    for twice in [
        "code=abc&state={state}&iss={iss}&code=abc",
        "code=abc&state={state}&iss={iss}&c%6fde=def",
        "state=x&code=abc&state={state}&iss={iss}",
        "iss={iss}&code=abc&state={state}&iss=https%3A%2F%2Fevil.example",
        "code=abc&state={state}&iss={iss}&x=1&x=2",
        "error=access_denied&error=login_required&state={state}&iss={iss}",
    ] {
        assert_eq!(callback.judge(twice).unwrap_err(), CallbackError::Malformed, "{twice}");
    }
}

#[test]
fn a_callback_has_a_code_or_an_error() {
    let callback = Callback::new();
    for odd in [
        "state={state}&iss={iss}",
        "code=&state={state}&iss={iss}",
        "code=abc&error=access_denied&state={state}&iss={iss}",
        "code=a%0d%0ab&state={state}&iss={iss}",
        "code=a%00&state={state}&iss={iss}",
        "code=%ff%fe&state={state}&iss={iss}",
        "code=caf%C3%A9&state={state}&iss={iss}",
        "access_token=x&state={state}&iss={iss}",
    ] {
        assert_eq!(callback.judge(odd).unwrap_err(), CallbackError::Malformed, "{odd}");
    }
    let long = format!("code={}&state={{state}}&iss={{iss}}", "x".repeat(8 * 1024));
    assert_eq!(callback.judge(&long).unwrap_err(), CallbackError::Malformed);
}

#[test]
fn the_providers_refusals_have_their_kinds() {
    let callback = Callback::new();
    for (error, refusal) in [
        ("access_denied", Refusal::AccessDenied),
        ("login_required", Refusal::InteractionRequired),
        ("interaction_required", Refusal::InteractionRequired),
        ("consent_required", Refusal::InteractionRequired),
        ("account_selection_required", Refusal::InteractionRequired),
        ("temporarily_unavailable", Refusal::TemporarilyUnavailable),
        ("server_error", Refusal::ServerError),
        ("invalid_scope", Refusal::ClientRefused),
        ("unauthorized_client", Refusal::ClientRefused),
        ("invalid_target", Refusal::ClientRefused),
        ("ACCESS_DENIED", Refusal::Unknown),
        ("<script>", Refusal::Unknown),
        ("", Refusal::Unknown),
    ] {
        let query = format!(
            "error={}&error_description=call+0800-EVIL&state={{state}}&iss={{iss}}",
            encode(error)
        );
        let verdict = callback.judge(&query).unwrap_err();
        assert_eq!(verdict, CallbackError::Refused(refusal), "{error}");
        let text = verdict.to_string();
        assert!(!text.contains("EVIL") && !text.contains("script"), "{text}");
    }
}

#[test]
fn the_state_leads_to_the_cookie() {
    let callback = Callback::new();
    let query = format!("code=abc&state={}", callback.state);
    let state = CallbackQuery::parse(&query).unwrap();
    let suffix = Transaction::cookie_suffix_of(state.state().unwrap());
    assert_eq!(suffix, callback.transaction.cookie_suffix());
    assert_eq!(suffix.len(), 8);
    assert!(suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    assert!(!callback.state.contains(&suffix), "it tells nothing of the state");
    assert_ne!(suffix, Transaction::cookie_suffix_of("other"));
}
