use std::sync::Arc;

use cloakroom_core::{cookie::CookieName, origin::PublicOrigin};
use http::{Method, Request, header::HOST};

use super::{Destination, RouteTable};
use crate::{
    refusal::Refusal,
    settings::{Route, SessionRule, TokenHeader, Unauthenticated},
    way::gate::{self, Admitted},
};

fn table(prefixes: &[&str]) -> RouteTable {
    let route = |path: &&str| Route {
        path: (*path).to_owned(),
        session: SessionRule::Required,
        unauthenticated: Unauthenticated::Auto,
        methods: None,
        token: TokenHeader::default(),
        accept_bearer: false,
    };
    RouteTable::new("/auth", &prefixes.iter().map(route).collect::<Vec<_>>())
}

fn admitted(path: &str) -> Admitted {
    let public = PublicOrigin::new(&"https://shop.example.com".parse().unwrap()).unwrap();
    let public = [Arc::new(public)];
    let request = Request::get(path).header(HOST, "shop.example.com").body(()).unwrap();
    let (mut parts, ()) = request.into_parts();
    gate::admit(&mut parts, &public, &CookieName::host("session").unwrap()).unwrap()
}

/// The prefix of the chosen route, or what became of the request instead.
fn find(prefixes: &[&str], path: &str) -> String {
    let table = table(prefixes);
    match table.find(&Method::GET, &admitted(path)) {
        Ok(Destination::Route(matched)) => {
            assert_eq!(prefixes[matched.index()], matched.route().path);
            matched.route().path.clone()
        }
        Ok(Destination::Control(endpoint)) => format!("{endpoint:?}"),
        Err(refusal) => reason(&refusal).to_owned(),
    }
}

fn reason(refusal: &Refusal) -> &'static str {
    refusal.reason().as_str()
}

const ROUTES: [&str; 4] = ["/", "/admin", "/api/admin", "/api"];

#[test]
fn the_longest_prefix_decides_r61() {
    for (path, route) in [
        ("/", "/"),
        ("/app", "/"),
        ("/adminx", "/"),
        ("/api", "/api"),
        ("/api/", "/api"),
        ("/api/adminx", "/api"),
        ("/api/admin", "/api/admin"),
        ("/api/admin/users", "/api/admin"),
        ("/admin", "/admin"),
        ("/%61dmin/users", "/admin"),
        ("/auth/login", "Login"),
        ("/auth/nothing", "no-route"),
        ("/author", "/"),
    ] {
        assert_eq!(find(&ROUTES, path), route, "{path}");
    }
    assert_eq!(find(&["/api"], "/other"), "no-route");
}

/// The attack table: a path that an upstream reads as the protected one gets no other route's rule.
#[test]
fn a_path_of_two_readings_is_refused_r62() {
    for path in [
        "/admin;x",
        "/admin;x/users",
        "/admin%3Bx/users",
        "/admin./users",
        "/admin%20/users",
        "/api;v=1",
        "/api;v=1/admin",
        "/api/admin;x/users",
        "/auth;x/login",
        "/auth%20/login",
    ] {
        assert_eq!(find(&ROUTES, path), "bad-path", "{path}");
    }
    // Where every reading leads to the same rule, parameters are the application's business.
    for (path, route) in [
        ("/heroes;id=15", "/"),
        ("/api/items;v=1/x", "/api"),
        ("/api/admin/x;y", "/api/admin"),
        ("/x;admin", "/"),
        ("/report%20", "/"),
    ] {
        assert_eq!(find(&ROUTES, path), route, "{path}");
    }
    assert_eq!(find(&["/api"], "/api;x"), "bad-path");
}
