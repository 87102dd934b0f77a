use std::{
    fs,
    os::unix::fs::symlink,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use http::header::{
    ACCEPT_RANGES, ALLOW, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED,
};
use http_body_util::BodyExt;
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const PAGE: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const ANY: (&str, &str) = ("accept", "*/*");

/// A site as a bundler writes it, in `dist`, with a secret beside it.
struct Built {
    folder: TempDir,
    site: Site,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: impl http::header::AsHeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Built {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, content: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        write("secret.txt", "SECRET");
        write("dist-old/secret.txt", "SECRET");
        write("dist/index.html", "the app");
        write("dist/assets/index-CQr_r7JY.js", "the script");
        write("dist/robots.txt", "for robots");
        write("dist/docs/index.html", "the docs");
        write("dist/caf\u{e9} au lait.txt", "with milk");
        write("dist/.env", "SECRET");
        write("dist/.git/config", "SECRET");
        write("dist/assets/.hidden.js", "SECRET");
        write("dist/.well-known/security.txt", "whom to tell");
        write("dist/.well-known/.hidden", "SECRET");
        let site = Site::open(folder.path().join("dist")).unwrap();
        Self { folder, site }
    }

    fn dist(&self) -> PathBuf {
        self.folder.path().join("dist")
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, path, headers).await
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, body) =
            self.site.answer(&request.body(()).unwrap().into_parts().0).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        }
    }
}

#[tokio::test]
async fn files_are_themselves() {
    let built = Built::new();
    for (path, content, content_type) in [
        ("/", "the app", "text/html; charset=utf-8"),
        ("/index.html", "the app", "text/html; charset=utf-8"),
        ("/assets/index-CQr_r7JY.js", "the script", "text/javascript; charset=utf-8"),
        ("/robots.txt", "for robots", "text/plain; charset=utf-8"),
        ("/docs/", "the docs", "text/html; charset=utf-8"),
        ("/docs", "the docs", "text/html; charset=utf-8"),
        ("/caf%C3%A9%20au%20lait.txt", "with milk", "text/plain; charset=utf-8"),
        ("/robots.txt?v=1", "for robots", "text/plain; charset=utf-8"),
        ("/.well-known/security.txt", "whom to tell", "text/plain; charset=utf-8"),
    ] {
        let answer = built.get(path, &[ANY]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, content), "{path}");
        assert_eq!(answer.header(CONTENT_TYPE), content_type, "{path}");
        assert_eq!(answer.header(CONTENT_LENGTH), content.len().to_string(), "{path}");
    }
}

#[tokio::test]
async fn content_types_are_those_of_the_web() {
    let built = Built::new();
    for (name, content_type) in [
        ("a.css", "text/css; charset=utf-8"),
        ("a.mjs", "application/javascript; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a.avif", "image/avif"),
        ("a.webp", "image/webp"),
        ("a.ico", "image/x-icon"),
        ("a.woff2", "font/woff2"),
        ("a.wasm", "application/wasm"),
        ("a.webmanifest", "application/manifest+json"),
        ("a.unheard-of", "application/octet-stream"),
    ] {
        fs::write(built.dist().join(name), "x").unwrap();
        let answer = built.get(&format!("/{name}"), &[ANY]).await;
        assert_eq!(answer.header(CONTENT_TYPE), content_type, "{name}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_the_app_or_missing() {
    let built = Built::new();
    for (path, accept, is_app) in [
        ("/orders/4711", PAGE, true),
        ("/orders/4711", ANY, true),
        ("/orders/", ANY, true),
        ("/assets", PAGE, true),
        ("/assets/", PAGE, true),
        ("/users/john.doe", PAGE, true),
        ("/users/john.doe", ANY, false),
        ("/assets/index-Gone1234.js", ANY, false),
        ("/missing.js/", ANY, false),
        ("/assets/index-CQr_r7JY.js/more.js", ANY, false),
        ("/favicon.ico", ("accept", "image/avif,image/webp,*/*;q=0.8"), false),
        ("/data.json", ("accept", "application/json"), false),
        ("/data.json", ("accept", "x/text/html, application/text/html"), false),
        ("/data.json", ("accept", "*/*;q=0.1 , Text/HTML ;q=0.9"), true),
        ("/.well-known/change-password", PAGE, false),
        ("/.well-known/change-password", ANY, false),
    ] {
        let answer = built.get(path, &[accept]).await;
        if is_app {
            assert_eq!((answer.status, answer.body.as_str()), (200, "the app"), "{path}");
            assert_eq!(answer.header(CACHE_CONTROL), "no-cache", "{path}");
        } else {
            assert_eq!(answer.status, 404, "{path} {accept:?}");
            assert_eq!(answer.header(CACHE_CONTROL), "no-store", "{path}");
        }
    }
    let answer = built.get("/missing.js", &[ANY]).await;
    assert!(answer.body.contains(r#""reason":"no-route""#), "{}", answer.body);
}

#[tokio::test]
async fn only_reading() {
    let built = Built::new();
    for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for path in ["/", "/robots.txt", "/orders", "/missing.js", "/.env"] {
            let answer = built.ask(method.clone(), path, &[PAGE]).await;
            assert_eq!(answer.status, 405, "{method} {path}");
            assert_eq!(answer.header(ALLOW), "GET, HEAD");
        }
    }
    let answer = built.ask(Method::HEAD, "/robots.txt", &[]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header(CONTENT_LENGTH), "10");
}

#[tokio::test]
async fn nothing_hidden_is_served() {
    let built = Built::new();
    symlink(".env", built.dist().join("env.txt")).unwrap();
    symlink(".git", built.dist().join("repository")).unwrap();
    for path in [
        "/.env",
        "/%2eenv",
        "/%2Eenv",
        "/.git/config",
        "/.git/",
        "/.git",
        "/assets/.hidden.js",
        "/.well-known/.hidden",
        "/.well-known/%2ehidden",
        "/.well-knownX",
        "/.not-there",
        "/orders/.not-there",
    ] {
        for accept in [PAGE, ANY] {
            let answer = built.get(path, &[accept]).await;
            assert_eq!(answer.status, 404, "{path}");
            assert!(!answer.body.contains("SECRET"), "{path}");
        }
    }
    for path in ["/env.txt", "/repository/config.txt", "/repository/config"] {
        let answer = built.get(path, &[ANY]).await;
        assert!(!answer.body.contains("SECRET"), "{path}");
    }
}

#[tokio::test]
async fn no_path_leads_out() {
    let built = Built::new();
    for path in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/..%2fsecret.txt",
        "/..%2Fsecret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/.%2e/secret.txt",
        "/%252e%252e/secret.txt",
        "/%252e%252e%252fsecret.txt",
        "/..%5csecret.txt",
        "/..%255csecret.txt",
        "/assets/..;/..;/secret.txt",
        "/assets/..;x=1/secret.txt",
        "//etc/passwd",
        "/%2fetc/passwd",
        "/assets//../secret.txt",
        "/./secret.txt",
        "/secret.txt%00.js",
        "/robots.txt%00",
        "/%c0%ae%c0%ae/secret.txt",
        "/%uff0e%uff0e/secret.txt",
        "/../dist-old/secret.txt",
    ] {
        for accept in [PAGE, ANY] {
            let answer = built.get(path, &[accept]).await;
            assert!(!answer.body.contains("SECRET"), "{path}");
            assert!(!answer.body.contains("root:"), "{path}");
            let is_app = answer.status == 200 && answer.body == "the app";
            assert!(matches!(answer.status, 400 | 404) || is_app, "{path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn links_stay_in_the_site() {
    let built = Built::new();
    let (dist, outside) = (built.dist(), built.folder.path());
    symlink(outside.join("secret.txt"), dist.join("absolute.txt")).unwrap();
    symlink("../secret.txt", dist.join("relative.txt")).unwrap();
    symlink("..", dist.join("above")).unwrap();
    symlink("../dist-old", dist.join("sibling")).unwrap();
    symlink("/", dist.join("everything")).unwrap();
    symlink("nowhere.txt", dist.join("dangling.txt")).unwrap();
    symlink("robots.txt", dist.join("inside.txt")).unwrap();
    symlink("docs", dist.join("manual")).unwrap();
    // The compressed sibling of a public file is opened in its place.
    symlink("../secret.txt", dist.join("robots.txt.br")).unwrap();

    for path in [
        "/absolute.txt",
        "/relative.txt",
        "/above/secret.txt",
        "/sibling/secret.txt",
        "/everything/etc/hosts.txt",
        "/dangling.txt",
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = built.ask(method, path, &[ANY]).await;
            assert_eq!(answer.status, 404, "{path}");
            assert!(!answer.body.contains("SECRET"), "{path}");
        }
    }
    assert_eq!(built.get("/everything/etc/passwd", &[ANY]).await.body, "the app");
    assert_eq!(built.get("/inside.txt", &[ANY]).await.body, "for robots");
    assert_eq!(built.get("/manual/", &[ANY]).await.body, "the docs");
    let answer = built.get("/robots.txt", &[ANY, ("accept-encoding", "br")]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "for robots"));
    assert_eq!(answer.header(CONTENT_ENCODING), "");
}

#[tokio::test]
async fn odd_files_are_missing_and_do_not_block() {
    let built = Built::new();
    let made = std::process::Command::new("mkfifo").arg(built.dist().join("pipe.txt")).status();
    assert!(made.unwrap().success());
    symlink("/dev/zero", built.dist().join("zero.bin")).unwrap();
    for path in ["/pipe.txt", "/zero.bin"] {
        assert_eq!(built.get(path, &[ANY]).await.status, 404, "{path}");
    }
    let long = "x".repeat(300);
    assert_eq!(built.get(&format!("/{long}.js"), &[ANY]).await.status, 404);
    assert_eq!(built.get(&format!("/{long}"), &[ANY]).await.body, "the app");
    let deep = "/x".repeat(4000);
    assert_eq!(built.get(&deep, &[ANY]).await.body, "the app");
    assert!(matches!(built.get("/%FF.js", &[ANY]).await.status, 400 | 404));
}

#[tokio::test]
async fn hashed_files_are_kept_and_others_asked_for() {
    let built = Built::new();
    let script = "/assets/index-CQr_r7JY.js";
    let kept = "public, max-age=31536000, immutable";
    let answer = built.get(script, &[ANY]).await;
    assert_eq!(answer.header(CACHE_CONTROL), kept);
    let part = built.get(script, &[ANY, ("range", "bytes=4-")]).await;
    assert_eq!((part.status, part.header(CACHE_CONTROL)), (206, kept));
    for path in ["/", "/index.html", "/robots.txt", "/docs/", "/orders/1"] {
        let answer = built.get(path, &[PAGE]).await;
        assert_eq!(answer.header(CACHE_CONTROL), "no-cache", "{path}");
        for (condition, validator) in
            [("if-none-match", ETAG), ("if-modified-since", LAST_MODIFIED)]
        {
            let validator = answer.header(validator);
            assert!(!validator.is_empty(), "{path}");
            let again = built.get(path, &[PAGE, (condition, validator)]).await;
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{path} {condition}");
            assert_eq!(again.header(CACHE_CONTROL), "no-cache", "{path}");
            assert_eq!(again.header(ETAG), answer.header(ETAG), "{path}");
            assert_eq!(again.header(VARY), answer.header(VARY), "{path}");
        }
        let other = built.get(path, &[PAGE, ("if-none-match", "\"another\"")]).await;
        assert_eq!(other.status, 200, "{path}");
    }
    let changed = built.get("/robots.txt", &[ANY, ("if-match", "\"another\"")]).await;
    assert_eq!((changed.status, changed.header(CACHE_CONTROL)), (412, "no-store"));
}

#[tokio::test]
async fn a_new_build_with_the_old_times_is_seen() {
    let built = Built::new();
    let release = |content: &str| {
        let next = built.folder.path().join("next.html");
        fs::write(&next, content).unwrap();
        let file = fs::File::options().write(true).open(&next).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        fs::rename(next, built.dist().join("index.html")).unwrap();
    };
    release("build 1");
    let first = built.get("/", &[PAGE]).await;
    assert_eq!(first.body, "build 1");
    release("build 2");
    let again = built.get("/", &[PAGE, ("if-none-match", first.header(ETAG))]).await;
    assert_eq!((again.status, again.body.as_str()), (200, "build 2"));
}

#[tokio::test]
async fn a_build_may_take_the_place_of_another() {
    let folder = tempfile::tempdir().unwrap();
    for release in ["1", "2"] {
        fs::create_dir(folder.path().join(release)).unwrap();
        fs::write(folder.path().join(release).join("index.html"), release).unwrap();
    }
    let current = folder.path().join("current");
    symlink("1", &current).unwrap();
    let built = Built { site: Site::open(current.clone()).unwrap(), folder };
    assert_eq!(built.get("/", &[PAGE]).await.body, "1");
    symlink("2", built.folder.path().join("next")).unwrap();
    fs::rename(built.folder.path().join("next"), &current).unwrap();
    fs::remove_dir_all(built.folder.path().join("1")).unwrap();
    assert_eq!(built.get("/", &[PAGE]).await.body, "2");
}

#[tokio::test]
async fn parts_of_files() {
    let built = Built::new();
    let part = |range: &'static str| built.get_range(range);
    let first = part("bytes=0-2").await;
    assert_eq!((first.status, first.body.as_str()), (206, "for"));
    assert_eq!(first.header(CONTENT_RANGE), "bytes 0-2/10");
    assert_eq!(first.header(ACCEPT_RANGES), "bytes");
    assert_eq!(part("bytes=-6").await.body, "robots");
    assert_eq!(part("bytes=4-").await.body, "robots");
    let beyond = part("bytes=99-").await;
    assert_eq!((beyond.status, beyond.body.as_str()), (416, ""));
    assert_eq!(beyond.header(CACHE_CONTROL), "no-store");
    // Several parts at once are not offered, and a part of what may have changed is of no use.
    let several = part("bytes=0-1,4-5").await;
    assert_eq!((several.status, several.body.as_str()), (200, "for robots"));
    let headers = [("range", "bytes=0-2"), ("if-range", "\"another\"")];
    let stale = built.get("/robots.txt", &headers).await;
    assert_eq!((stale.status, stale.body.as_str()), (200, "for robots"));
}

impl Built {
    async fn get_range(&self, range: &str) -> Answer {
        self.get("/robots.txt", &[("range", range)]).await
    }
}

#[tokio::test]
async fn compressed_siblings_are_sent_in_place() {
    let built = Built::new();
    let script = "/assets/index-CQr_r7JY.js";
    fs::write(built.dist().join("assets/index-CQr_r7JY.js.br"), "br").unwrap();
    fs::write(built.dist().join("assets/index-CQr_r7JY.js.gz"), "gzip").unwrap();
    for (accepted, sent, body) in [
        ("gzip, deflate, br, zstd", "br", "br"),
        ("gzip", "gzip", "gzip"),
        ("zstd", "", "the script"),
        ("identity", "", "the script"),
        ("br;q=0, gzip;q=0", "", "the script"),
    ] {
        let answer = built.get(script, &[ANY, ("accept-encoding", accepted)]).await;
        assert_eq!((answer.header(CONTENT_ENCODING), answer.body.as_str()), (sent, body));
        assert_eq!(answer.header(CONTENT_TYPE), "text/javascript; charset=utf-8");
        assert_eq!(answer.header(VARY), "accept-encoding");
        assert!(answer.header(CACHE_CONTROL).contains("immutable"));
    }
}

#[tokio::test]
async fn large_files_are_read_as_they_are_sent() {
    let built = Built::new();
    let length = 8 << 30;
    fs::File::create(built.dist().join("film.mp4")).unwrap().set_len(length).unwrap();
    let request = Request::builder().uri("/film.mp4").body(()).unwrap();
    let answer = built.site.answer(&request.into_parts().0).await;
    assert_eq!(answer.headers()[CONTENT_LENGTH], length.to_string());
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!((1..=64 * 1024).contains(&first.len()), "{}", first.len());
}

#[test]
fn a_folder_without_an_app_is_no_site() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("index.html")).unwrap();
    for dir in ["missing", ""] {
        let error = Site::open(folder.path().join(dir)).unwrap_err().to_string();
        assert!(error.contains("has no index.html") && error.contains("build the app"), "{error}");
    }
}

#[test]
fn names_with_a_hash() {
    for path in [
        // Vite and Astro
        "/assets/index-CQr_r7JY.js",
        "/assets/index-DiwrgTda.css",
        "/assets/index-D-wrgT_a.js.map",
        "/assets/logo-B4x9QzR1.svg",
        "/assets/inter-latin-400-C38fXH4l.woff2",
        "/_astro/page.BxYz12_3.css",
        "/_app/immutable/chunks/entry.Cw0Qp3sT.js",
        // webpack, Parcel, Vue CLI, Create React App, Next
        "/js/app.3f2a9c1b.js",
        "/main.1b2c3d4e5f60718293a4.js",
        "/static/js/main.3f2a9c1b.chunk.js",
        "/static/css/main.3f2a9c1b.css.map",
        "/index.4b3f2a1c.js",
        "/img/logo.82b9c7a5.svg",
        "/workbox-3f2a9c1b.js",
        "/_next/static/chunks/117-0a1b2c3d4e5f6071.js",
        // esbuild and Angular
        "/chunk-3OYXKOFB.js",
        "/main-KXQOFBTR.js",
        "/media/inter-3OYXKoFb.woff2",
    ] {
        assert!(hashed::is_hashed(path), "{path}");
    }
}

#[test]
fn names_without_a_hash() {
    for path in [
        "/index.html",
        "/page-CQr_r7JY.html",
        "/assets/page-CQr_r7JY.html",
        "/robots.txt",
        "/favicon.ico",
        "/sw.js",
        "/service-worker.js",
        "/manifest.webmanifest",
        "/app.js",
        "/main.min.js",
        "/jquery-3.7.1.min.js",
        "/my-favorite.js",
        "/vue-security.js",
        "/assets/vue-security.js",
        "/chapter-Chapter2.js",
        "/assets/logo-20241231.png",
        "/logo-20241231.png",
        "/backup-20241231T235959.js",
        "/screenshot-1280x720.png",
        "/assets/screenshot-1280x720.png",
        "/icon-512x512.png",
        "/photo-iPhone15.jpg",
        "/assets/photo-iPhone15.jpg",
        "/logo-McDonald.svg",
        "/assets/logo-darkMode.svg",
        "/assets/fonts/Inter-SemiBold.woff2",
        "/fonts/Inter-ExtraBold.woff2",
        "/fonts/OpenSans-BoldItalic.woff2",
        "/apple-touch-icon-precomposed.png",
        "/deadbeef.js",
        "/3f2a9c1b/app.js",
        "/assets/app",
        "/a-caf\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}.js",
        "/",
        "/assets/",
    ] {
        assert!(!hashed::is_hashed(path), "{path}");
    }
}

#[test]
fn nearly_every_hash_of_vite_is_known_and_no_name_breaks_it() {
    const CASES: u32 = 2000;
    const BASE64URL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let character = prop::sample::select(BASE64URL.chars().collect::<Vec<_>>());
    let hash = prop::collection::vec(character, 8);
    let config = ProptestConfig { cases: CASES, failure_persistence: None, ..Default::default() };
    let known = std::cell::Cell::new(0);
    proptest!(config.clone(), |(hash in hash)| {
        let hash = String::from_iter(hash);
        let is_hashed = hashed::is_hashed(&format!("/assets/index-{hash}.js"));
        known.set(known.get() + u32::from(is_hashed));
    });
    assert!(known.get() > CASES * 98 / 100, "{} of {CASES}", known.get());
    proptest!(config, |(path in "/\\PC{0,40}")| { hashed::is_hashed(&path); });
}

#[test]
fn hidden_names() {
    for (path, visible) in [
        ("/", true),
        ("/a.b/c", true),
        ("/.well-known/a", true),
        ("/.well-known", false),
        ("/a/.well-known/b", false),
        ("/.well-known/.well-known/b", false),
        ("/a/.b", false),
    ] {
        assert_eq!(is_visible(path), visible, "{path}");
    }
}
