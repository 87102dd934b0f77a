//! What a newcomer reads after each mistake, word for word. The snapshots are in `snapshots`.

use crate::folder::{Folder, PROVIDER, PUBLIC, ROUTE, SITE, TOKEN_API};

/// One test for each mistake: its name and the sections of the file.
macro_rules! mistakes {
    ($($name:ident: $($section:expr),+;)*) => {$(
        #[test]
        fn $name() {
            assert_message(stringify!($name), &[$($section.to_string()),+].join("\n"));
        }
    )*};
}

fn assert_message(name: &str, toml: &str) {
    let message = Folder::new().refusal(toml);
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_description(toml);
    settings.bind(|| insta::assert_snapshot!(name, message));
}

fn section(name: &str, keys: &str) -> String {
    format!("[{name}]\n{keys}\n")
}

fn public(url: &str) -> String {
    section("public", &format!("url = \"{url}\""))
}

/// A provider with further keys.
fn provider(keys: &str) -> String {
    format!("{PROVIDER}{keys}\n")
}

fn access_token(keys: &str) -> String {
    format!("{PROVIDER}[provider.access_token]\n{keys}\n")
}

fn issuer(issuer: &str) -> String {
    PROVIDER.replace("https://login.example.org/realms/shop", issuer)
}

/// A provider whose last line is `secret`.
fn login(secret: &str) -> String {
    PROVIDER.replace("client_secret = { env = \"OIDC_CLIENT_SECRET\" }", secret)
}

/// A route with further keys.
fn route(keys: &str) -> String {
    format!("{ROUTE}{keys}\n")
}

fn path(path: &str) -> String {
    ROUTE.replace("/api", path)
}

fn upstream(upstream: &str) -> String {
    ROUTE.replace("http://127.0.0.1:3000", upstream)
}

// Not TOML, or not the right keys.
mistakes! {
    text_without_quotes: section("public", r#"url = https://shop.example.com"#), ROUTE;
    quote_not_closed: section("public", r#"url = "https://shop.example.com"#), ROUTE;
    section_not_closed: "[public\nurl = \"https://shop.example.com\"\n";
    colon_for_equals: section("public", r#"url: "https://shop.example.com""#);
    section_twice: PUBLIC, SITE, PUBLIC;
    key_twice: "[public]\nurl = \"https://a.example.com\"\nurl = \"https://b.example.com\"\n", SITE;
    unknown_key: PUBLIC, "[[provider]]\nisuer = \"https://login.example.org\"\nclient_id = \"shop-web\"\n", SITE;
    unknown_key_without_likeness: PUBLIC, SITE, section("session", r#"redis = "localhost""#);
    key_of_another_section: "[public]\nurl = \"https://shop.example.com\"\nissuer = \"https://login.example.org\"\n", SITE;
    key_outside_of_sections: "url = \"https://shop.example.com\"\n", SITE;
    unknown_section: PUBLIC, SITE, section("cookies", r#"name = "shop""#);
    unknown_section_without_likeness: PUBLIC, SITE, section("database", r#"url = "x""#);
    one_bracket_for_a_list: PUBLIC, "[route]\npath = \"/api\"\nupstream = \"http://127.0.0.1:3000\"\nsession = \"none\"\n";
    two_brackets_for_one: "[[public]]\nurl = \"https://shop.example.com\"\n", SITE;
    missing_section: SITE;
    missing_key: PUBLIC, "[[provider]]\nissuer = \"https://login.example.org\"\n", SITE;
    number_for_a_duration: PUBLIC, SITE, section("session", r#"idle_timeout = 3600"#);
    text_for_a_switch: PUBLIC, SITE, section("listen", r#"allow_plaintext_listen = "true""#);
    text_for_a_list: PUBLIC, provider(r#"scopes = "openid profile""#), SITE;
    neither_route_nor_site: PUBLIC;
}

// [public] and [listen]
mistakes! {
    public_url_without_tls: public("http://shop.example.com"), SITE;
    public_url_with_a_path: public("https://shop.example.com/app?x=1"), SITE;
    public_url_with_a_password: public("https://admin:tb3-swordfish@shop.example.com"), SITE;
    also_repeats_the_url: section("public", "url = \"https://shop.example.com\"\nalso = [\"https://shop.example.com:443/\"]"), SITE;
    also_in_clear: section("public", "url = \"https://shop.example.com\"\nalso = [\"http://admin.localhost\", \"http://admin.example.com\"]"), SITE;
    public_url_is_a_name: public("shop.example.com"), SITE;
    listen_for_everybody: PUBLIC, SITE, section("listen", r#"address = "0.0.0.0:8080""#);
    listen_on_a_number: PUBLIC, SITE, section("listen", "address = 9000");
    also_without_a_scheme: section("public", "url = \"https://shop.example.com\"\nalso = [\"admin.example.com\"]"), SITE;
    listen_on_a_name: PUBLIC, SITE, section("listen", r#"address = "localhost:9000""#);
}

// [[provider]]
mistakes! {
    issuer_without_tls: PUBLIC, issuer("http://login.example.org/realms/shop"), SITE;
    issuer_is_the_metadata: PUBLIC, issuer("https://login.example.org/.well-known/openid-configuration"), SITE;
    two_providers_of_one_name: PUBLIC, PROVIDER, PROVIDER, SITE;
    provider_name_with_spaces: PUBLIC, provider(r#"name = "My Login""#), SITE;
    secret_in_the_file: PUBLIC, login(r#"client_secret = "tb3-swordfish"  # the tb3-swordfish"#), SITE;
    secret_under_a_misspelled_key: PUBLIC, login(r#"client_sceret = "tb3-swordfish""#), SITE;
    secret_not_in_the_environment: PUBLIC, login(r#"client_secret = { env = "OIDC_SECRET" }"#), SITE;
    secret_as_the_name_of_a_variable: PUBLIC, login(r#"client_secret = { env = "tb3-swordfish" }"#), SITE;
    secret_variable_is_empty: PUBLIC, login(r#"client_secret = { env = "EMPTY_SECRET" }"#), SITE;
    secret_file_is_missing: PUBLIC, login(r#"client_secret = { file = "nowhere.txt" }"#), SITE;
    secret_file_is_empty: PUBLIC, login(r#"client_secret = { file = "empty.txt" }"#), SITE;
    secret_file_has_several_lines: PUBLIC, login(r#"client_secret = { file = "lines.txt" }"#), SITE;
    secret_from_two_places: PUBLIC, login(r#"client_secret = { env = "OIDC_CLIENT_SECRET", file = "secret.txt" }"#), SITE;
    client_auth_without_a_secret: PUBLIC, login(r#"client_auth = "post""#), SITE;
    client_auth_unknown: PUBLIC, provider(r#"client_auth = "private_key_jwt""#), SITE;
    scopes_without_openid: PUBLIC, provider(r#"scopes = ["profile", "email"]"#), SITE;
    scopes_in_one_text: PUBLIC, provider(r#"scopes = ["openid profile"]"#), SITE;
    resource_with_a_fragment: PUBLIC, provider(r#"resource = "https://api.example.com#orders""#), SITE;
    reserved_authorize_params: PUBLIC, provider(r#"authorize_params = { state = "1", scope = "openid", prompt = "consent" }"#), SITE;
}

// [provider.access_token] and `accept_bearer`
mistakes! {
    access_token_without_audience: PUBLIC, access_token(""), SITE;
    access_token_with_empty_names: PUBLIC, access_token("audience = \"\"\nissuer = \"\""), SITE;
    access_token_keys_from_two_places: PUBLIC, access_token("audience = \"api\"\njwks_url = \"https://login.example.org/jwks\"\npublic_key = { file = \"jwt.pem\" }"), SITE;
    access_token_hmac_without_a_secret: PUBLIC, access_token("audience = \"api\"\nalgorithms = [\"RS256\", \"HS256\"]"), SITE;
    access_token_algorithm_unknown: PUBLIC, access_token("audience = \"api\"\nalgorithms = [\"rs256\"]"), SITE;
    access_token_algorithm_none: PUBLIC, access_token("audience = \"api\"\nalgorithms = [\"none\"]"), SITE;
    access_token_without_algorithms: PUBLIC, access_token("audience = \"api\"\nalgorithms = []"), SITE;
    access_token_secret_too_short: PUBLIC, access_token("audience = \"api\"\nshared_secret = { env = \"OIDC_CLIENT_SECRET\" }"), SITE;
    access_token_secret_in_the_file: PUBLIC, access_token("audience = \"api\"\nshared_secret = \"tb3-swordfish\""), SITE;
    access_token_secret_for_two_algorithms: PUBLIC, access_token("audience = \"api\"\nshared_secret = { file = \"secret.txt\" }\nalgorithms = [\"HS256\", \"HS384\"]"), SITE;
    access_token_key_file_is_missing: PUBLIC, access_token("audience = \"api\"\npublic_key = { file = \"nowhere.pem\" }"), SITE;
    access_token_key_file_holds_no_key: PUBLIC, access_token("audience = \"api\"\npublic_key = { file = \"secret.txt\" }"), SITE;
    access_token_jwks_url_without_tls: PUBLIC, access_token("audience = \"api\"\njwks_url = \"http://login.example.org/jwks\""), SITE;
    accept_bearer_without_a_verifier: PUBLIC, PROVIDER, route("accept_bearer = true");
}

// [session] mode
mistakes! {
    session_mode_unknown: PUBLIC, PROVIDER, ROUTE, section("session", "mode = \"cookie\"");
    jwt_without_a_verifier: PUBLIC, PROVIDER, ROUTE, section("session", "mode = \"jwt\"");
    jwt_cookies_without_the_mode: PUBLIC, PROVIDER, ROUTE, section("session.jwt", "access_cookie = \"token\"");
    access_cookie_with_a_prefix: PUBLIC, access_token("audience = \"api\""), ROUTE, section("session", "mode = \"jwt\"\njwt = { access_cookie = \"__Host-token\" }");
    access_cookie_like_the_session_s: PUBLIC, access_token("audience = \"api\""), ROUTE, section("session", "mode = \"jwt\"\njwt = { access_cookie = \"session-1\" }");
}

/// A login service with further keys.
fn token_api(keys: &str) -> String {
    format!("{TOKEN_API}{keys}\n")
}

fn refresh(keys: &str) -> String {
    token_api(&format!("[provider.refresh]\nurl = \"http://127.0.0.1:3000/api/refresh\"\n{keys}"))
}

// [[provider]] of kind token_api
mistakes! {
    token_api_without_its_keys: PUBLIC, "[[provider]]\nkind = \"token_api\"\n", ROUTE;
    token_api_with_keys_of_oidc: PUBLIC, token_api("issuer = \"https://login.example.org\"\nscopes = [\"openid\"]"), ROUTE;
    oidc_with_keys_of_a_token_api: PUBLIC, provider("login = \"/api/login\""), ROUTE;
    provider_kind_unknown: PUBLIC, provider("kind = \"oauth\""), ROUTE;
    login_without_a_route: PUBLIC, TOKEN_API.replace("/api/login", "/login"), ROUTE;
    login_route_without_post: PUBLIC, TOKEN_API, route("methods = [\"GET\"]");
    login_route_of_its_own_without_post: PUBLIC, TOKEN_API, ROUTE, path("/api/login") + "methods = [\"GET\", \"PUT\"]\n";
    login_is_a_url: PUBLIC, TOKEN_API.replace("/api/login", "http://127.0.0.1:3000/api/login"), ROUTE;
    login_under_the_control_endpoints: PUBLIC, TOKEN_API.replace("/api/login", "/auth/login"), ROUTE;
    two_logins_of_one_path: PUBLIC, TOKEN_API, token_api("name = \"other\""), ROUTE;
    tokens_without_a_slash: PUBLIC, TOKEN_API.replace("/token", "data.token"), ROUTE;
    other_tokens_without_a_slash: PUBLIC, TOKEN_API.replace(" }", ", others = [\"id_token\"] }"), ROUTE;
    other_tokens_in_the_place_of_one: PUBLIC, TOKEN_API.replace(" }", ", others = [\"/id_token\", \"/token\"] }"), ROUTE;
    tokens_in_one_place: PUBLIC, TOKEN_API.replace("/refreshToken", "/token"), ROUTE;
    placeholder_with_spaces: PUBLIC, token_api("placeholder = \"not here\""), ROUTE;
    refresh_without_the_token: PUBLIC, refresh("json = { token = \"x\" }"), ROUTE;
    refresh_with_another_place: PUBLIC, refresh("json = { token = \"{refreshToken}\" }"), ROUTE;
    refresh_with_two_bodies: PUBLIC, refresh("json = { a = \"{refresh_token}\" }\nform = { a = \"{refresh_token}\" }"), ROUTE;
    refresh_with_a_reserved_header: PUBLIC, refresh("headers = { Content-Length = \"{refresh_token}\" }"), ROUTE;
    refresh_without_tls: PUBLIC, refresh("json = { a = \"{refresh_token}\" }").replace("127.0.0.1:3000", "api.example.com"), ROUTE;
    refresh_without_a_refresh_token: PUBLIC, refresh("json = { a = \"{refresh_token}\" }").replace(", refresh = \"/refreshToken\"", ""), ROUTE;
    pointer_that_is_a_number: PUBLIC, TOKEN_API.replace("access = ", "expires_in = 300, access = "), ROUTE;
    logout_that_says_nothing: PUBLIC, token_api("logout = { headers = { A = \"{access_token}\" } }"), ROUTE;
    logout_request_without_a_url: PUBLIC, token_api("logout = { path = \"/api/logout\", json = { token = \"{access_token}\" } }"), ROUTE;
    refresh_with_a_header_twice: PUBLIC, refresh("headers = { Authorization = \"Bearer {refresh_token}\", authorization = \"x\" }"), ROUTE;
    refresh_path_in_mode_jwt: PUBLIC, refresh("json = { a = \"{refresh_token}\" }\npath = \"/api/refresh\"\n[provider.access_token]\naudience = \"api\"\nissuer = \"shop\"\njwks_url = \"https://login.example.org/jwks\""), ROUTE, section("session", "mode = \"jwt\"");
    login_page_without_one: PUBLIC, TOKEN_API, route("unauthenticated = \"login\"");
    token_header_of_http: PUBLIC, PROVIDER, route("token_header = \"Cookie\"");
    token_header_of_the_csrf_token: PUBLIC, PROVIDER, route("token_header = \"X-Token\""), section("guard", "csrf_token = { header = \"x-token\" }");
    token_header_of_the_guard: PUBLIC, PROVIDER, route("token_header = \"X-Token\""), section("guard", "required_header = \"X-Token\"");
    token_scheme_of_two_words: PUBLIC, PROVIDER, route("token_scheme = \"Bearer token\"");
    token_header_without_a_session: PUBLIC, route("session = \"none\"\ntoken_header = \"X-Access-Token\"");
}

// [[route]] and [site]
mistakes! {
    route_without_a_provider: PUBLIC, ROUTE;
    route_path_without_a_slash: PUBLIC, PROVIDER, path("api");
    route_path_ends_with_a_slash: PUBLIC, PROVIDER, path("/api/");
    route_path_is_a_pattern: PUBLIC, PROVIDER, path("/api/*");
    route_path_is_encoded: PUBLIC, PROVIDER, path("/api%2fv1");
    route_path_with_dot_segments: PUBLIC, PROVIDER, path("/api/../admin");
    route_under_the_control_endpoints: PUBLIC, PROVIDER, path("/auth/users");
    route_twice: PUBLIC, PROVIDER, ROUTE, ROUTE;
    route_takes_the_site: PUBLIC, PROVIDER, path("/"), SITE;
    upstream_with_a_path: PUBLIC, PROVIDER, upstream("http://127.0.0.1:3000/v1");
    upstream_without_a_scheme: PUBLIC, PROVIDER, upstream("localhost:3000");
    upstream_is_a_websocket: PUBLIC, PROVIDER, upstream("ws://127.0.0.1:3000");
    upstream_in_clear: PUBLIC, PROVIDER, upstream("http://api.internal:3000");
    upstream_is_the_gateway: PUBLIC, PROVIDER, upstream("http://127.0.0.1:8080");
    route_session_unknown: PUBLIC, PROVIDER, route(r#"session = "requird""#);
    unauthenticated_without_effect: PUBLIC, PROVIDER, route("session = \"optional\"\nunauthenticated = \"login\"");
    methods_in_lower_case: PUBLIC, PROVIDER, route(r#"methods = ["get", "POST"]"#);
    methods_unknown: PUBLIC, PROVIDER, route(r#"methods = ["GET", "FETCH", "TRACE"]"#);
    methods_empty: PUBLIC, PROVIDER, route(r#"methods = []"#);
    response_timeout_zero: PUBLIC, PROVIDER, route(r#"response_timeout = "0s""#);
    site_is_missing: PUBLIC, section("site", r#"dir = "build""#);
    site_without_an_index: PUBLIC, section("site", r#"dir = "empty""#);
    site_holds_the_sessions: PUBLIC, SITE, section("session", r#"data_dir = "dist/data""#);
}

// [session], [cookie], [guard], [auth] and [log]
mistakes! {
    duration_with_a_word: PUBLIC, SITE, section("session", r#"idle_timeout = "24 hours""#);
    duration_without_a_unit: PUBLIC, SITE, section("session", r#"idle_timeout = "3600""#);
    idle_longer_than_absolute: PUBLIC, SITE, section("session", r#"idle_timeout = "30d""#);
    absolute_longer_than_a_cookie: PUBLIC, SITE, section("session", r#"absolute_timeout = "500d""#);
    data_dir_is_a_file: PUBLIC, SITE, section("session", r#"data_dir = "secret.txt""#);
    cookie_name_with_a_prefix: PUBLIC, SITE, section("cookie", r#"name = "__Host-shop""#);
    cookie_name_with_spaces: PUBLIC, SITE, section("cookie", r#"name = "my shop""#);
    cookie_name_like_a_prefix: PUBLIC, SITE, section("cookie", r#"name = "Http-shop""#);
    cookie_name_with_underscores: PUBLIC, SITE, section("cookie", r#"name = "__shop""#);
    cookie_name_too_long: PUBLIC, SITE, section("cookie", &format!("name = \"{}\"", "s".repeat(65)));
    cookie_prefix_unknown: PUBLIC, SITE, section("cookie", r#"prefix = "none""#);
    cookie_prefix_bound_to_a_host_with_a_domain: PUBLIC, SITE, section("cookie", "prefix = \"__Host-\"\nparent_domain = \"example.com\"");
    parent_domain_with_a_dot: PUBLIC, SITE, section("cookie", r#"parent_domain = ".example.com""#);
    parent_domain_is_everybodys: PUBLIC, SITE, section("cookie", r#"parent_domain = "com""#);
    parent_domain_elsewhere: PUBLIC, SITE, section("cookie", r#"parent_domain = "example.org""#);
    parent_domain_covers_not_all: section("public", "url = \"https://shop.example.com\"\nalso = [\"https://shop.example.org\"]"), SITE, section("cookie", r#"parent_domain = "example.com""#);
    persistence_unknown: PUBLIC, SITE, section("cookie", r#"persistence = "forever""#);
    allow_origins_with_a_wildcard: PUBLIC, SITE, section("guard", r#"allow_origins = ["https://*.example.com"]"#);
    allow_origins_null: PUBLIC, SITE, section("guard", r#"allow_origins = ["null"]"#);
    allow_origins_without_a_scheme: PUBLIC, SITE, section("guard", r#"allow_origins = ["app.example.com"]"#);
    allow_origins_without_tls: PUBLIC, SITE, section("guard", r#"allow_origins = ["http://app.example.com"]"#);
    allow_origins_with_a_path: PUBLIC, SITE, section("guard", r#"allow_origins = ["https://app.example.com/shop"]"#);
    allow_origins_is_the_gateway: PUBLIC, SITE, section("guard", r#"allow_origins = ["https://shop.example.com"]"#);
    allow_origins_twice: PUBLIC, SITE, section("guard", r#"allow_origins = ["https://app.example.com", "https://APP.example.com:443"]"#);
    allow_origins_of_another_site: PUBLIC, SITE, section("guard", r#"allow_origins = ["https://app.example.com", "https://app.example.org"]"#);
    allow_origins_as_text: PUBLIC, SITE, section("guard", r#"allow_origins = "https://app.example.com""#);
    required_header_any_site_may_set: PUBLIC, SITE, section("guard", r#"required_header = "Content-Type""#);
    required_header_of_browsers: PUBLIC, SITE, section("guard", r#"required_header = "Origin""#);
    csrf_header_of_browsers: PUBLIC, SITE, section("guard", r#"csrf_token = { header = "Cookie" }"#);
    csrf_cookie_is_the_sessions: PUBLIC, SITE, section("guard", r#"csrf_token = { cookie = "__Host-session-csrf" }"#);
    csrf_cookie_is_the_access_token: PUBLIC, PROVIDER, "[provider.access_token]\naudience = \"https://api.example.com\"\n", ROUTE, section("session", r#"mode = "jwt""#), section("guard", r#"csrf_token = { header = "X-T", cookie = "__Host-access_token" }"#);
    csrf_cookie_hidden_from_scripts: PUBLIC, SITE, section("guard", r#"csrf_token = { cookie = "__Host-Http-csrf" }"#);
    csrf_cookie_with_spaces: PUBLIC, SITE, section("guard", r#"csrf_token = { cookie = "my token" }"#);
    csrf_token_as_text: PUBLIC, SITE, section("guard", r#"csrf_token = "X-CSRF-Token""#);
    required_header_with_a_value: PUBLIC, SITE, section("guard", r#"required_header = "X-Requested-With: app""#);
    auth_prefix_is_everything: PUBLIC, SITE, section("auth", r#"prefix = "/""#);
    auth_prefix_without_a_slash: PUBLIC, SITE, section("auth", r#"prefix = "session""#);
    after_logout_elsewhere: PUBLIC, SITE, section("auth", r#"after_logout = "https://example.com/""#);
    after_logout_in_a_circle: PUBLIC, SITE, section("auth", r#"after_logout = "/auth/login""#);
    log_format_unknown: PUBLIC, SITE, section("log", r#"format = "yaml""#);
    log_level_unknown: PUBLIC, SITE, section("log", r#"level = "inof""#);
}

// Many at once, in file order.
mistakes! {
    all_mistakes_at_once: public("http://shop.example.com"),
        "[provider]\nissuer = \"http://login.example.org\"\nclientid = \"shop-web\"\nclient_secret = \"tb3-swordfish\"\n",
        "[[route]]\npaht = \"/api/\"\nupstream = \"http://api.internal:3000\"\nmethods = [\"get\"]\nresponse_timeout = 60\n",
        "[cookie]\nsame_site = \"laxx\"\n[seession]\nidle_timeout = \"0s\"\n";
}
