//! R46: whatever a return URL says, it leads to a path of our own origin or to the root, and two
//! implementations of the WHATWG parser agree on that.

#![no_main]

use cloakroom_core::{origin::PublicOrigin, path::NormalPath, return_to::ReturnTo};
use libfuzzer_sys::fuzz_target;
use url::{Position, Url};

fuzz_target!(|input: &str| {
    for origin in ["https://shop.example.com", "http://localhost:8080"] {
        let origin = PublicOrigin::new(&origin.parse().unwrap()).unwrap();
        let back = ReturnTo::parse_or_root(input, &origin);
        let path = back.as_str();
        assert!(path.starts_with('/') && !path.starts_with("//"));
        assert!(path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'));

        let page = origin.absolute("/auth/callback/default?code=x#y");
        for target in [
            Url::parse(&origin.absolute(path)).unwrap(),
            Url::parse(&page).unwrap().join(path).unwrap(),
        ] {
            assert_eq!(target.origin().ascii_serialization(), origin.as_str());
            assert_eq!((target.username(), target.password()), ("", None));
            assert_eq!(&target[Position::BeforePath..], path);
            assert_eq!(NormalPath::parse(target.path()).unwrap().as_str(), target.path());
        }
        // The same by Ada, which is what Node and others parse with.
        for (text, base) in [(origin.absolute(path).as_str(), None), (path, Some(page.as_str()))] {
            let target = ada_url::Url::parse(text, base).expect("Ada takes it for a URL");
            assert_eq!(target.origin(), origin.as_str());
            assert_eq!((target.username(), target.password()), ("", ""));
            assert_eq!(target.href(), origin.absolute(path));
        }

        assert_eq!(ReturnTo::parse(path, &origin).as_ref(), Some(&back), "read again");
        let stored = serde_json::to_string(&back).unwrap();
        assert_eq!(serde_json::from_str::<ReturnTo>(&stored).unwrap(), back, "stored");
    }
    // Nothing comes out of a store that would not have come in.
    if let Ok(stored) = serde_json::from_value::<ReturnTo>(input.into()) {
        assert_eq!(stored.as_str(), input);
    }
});
