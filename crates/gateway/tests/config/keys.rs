//! `[keys]` and `cloakroom keys`, as a person uses them (R28).

use std::fs;
use std::process::{Command, Output};

use cloakroom_core::key::Keyring;
use cloakroom_gateway::config::{Config, Environment, KeysConfig};

use crate::folder::{Folder, PUBLIC, SITE};

/// A keyring that nobody has used.
const KEY: &str = "u7n3DKeFDmQMYkJ0g8gAQLTYYqkxPGSCt0m2XaoJvsc";

fn cloakroom(folder: &Folder, arguments: &[&str], keys: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
    command.args(arguments).current_dir(folder.path()).env_remove("CLOAKROOM_CONFIG");
    if let Some(keys) = keys {
        command.env("CLOAKROOM_KEYS", keys);
    }
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// What a command that must succeed prints.
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    text(&output.stdout)
}

/// The keys in a file, without what stands behind them.
fn keys(folder: &Folder, name: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.path().join(name)).expect("a keyring");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').next().expect("a key").to_owned()).collect()
}

fn with_keys(keys: &str) -> String {
    [PUBLIC, SITE, "[keys]\n", keys, "\n"].concat()
}

#[test]
fn a_keyring_comes_from_the_data_folder_a_file_or_the_environment() {
    let folder = Folder::new();
    folder.write("ring", KEY);
    let parse = |toml: &str| {
        let environment = Environment::of([("CLOAKROOM_KEYS", KEY)]);
        Config::parse(toml, &folder.file(), &environment).unwrap().keys
    };
    assert!(matches!(parse(&[PUBLIC, SITE].concat()), KeysConfig::DataDir));
    let KeysConfig::File(path) = parse(&with_keys("file = \"ring\"")) else { panic!("a file") };
    assert_eq!(path, folder.path().join("ring"));
    let KeysConfig::Environment { variable, keyring } =
        parse(&with_keys("env = \"CLOAKROOM_KEYS\""))
    else {
        panic!("the environment")
    };
    assert_eq!(variable, "CLOAKROOM_KEYS");
    assert!(keyring.is_same(&Keyring::parse(KEY).unwrap()));
}

#[test]
fn mistakes_are_explained_and_no_key_is_shown() {
    let folder = Folder::new();
    folder.write("weak", "change-me-change-me-change-me-change-me-chA\n");
    folder.write("short", &KEY[..40]);
    folder.write("dist/keyring", KEY);
    let cases = [
        ("file = \"missing\"", "does not exist"),
        ("file = \"weak\"", "the key in line 1 of the keyring is not random"),
        ("file = \"short\"", "line 1 of the keyring is not a 32-byte key"),
        ("file = \"empty\"", "cannot be read"),
        ("file = \"dist/keyring\"", "the keyring would be public"),
        ("env = \"NO_SUCH_VARIABLE\"", "the environment variable NO_SUCH_VARIABLE is not set"),
        ("env = \"EMPTY_SECRET\"", "the keyring holds no key that seals"),
        ("file = \"missing\"\nenv = \"CLOAKROOM_KEYS\"", "[keys] has two sources"),
        (&format!("env = \"{KEY}\""), "`env` is not the name of an environment variable"),
        (&format!("key = \"{KEY}\""), "[keys] has no key `key`"),
        (&format!("[[provider]]\nenv = \"{KEY}\""), "[[provider]] has no key `env`"),
        (&format!("env = {KEY}"), "the text is not in quotes"),
    ];
    for (keys, expected) in cases {
        let refusal = folder.refusal(&with_keys(keys));
        assert!(refusal.contains(expected), "{keys}: {refusal}");
        assert!(!refusal.contains(&KEY[..8]) && !refusal.contains("change-me"), "{refusal}");
    }
}

#[test]
fn generate_prints_or_writes_and_overwrites_nothing() {
    let folder = Folder::new();
    let printed = done(&cloakroom(&folder, &["keys", "generate"], None));
    assert_eq!(Keyring::parse(&printed).unwrap().count(), 1);

    let written = done(&cloakroom(&folder, &["keys", "generate", "--output", "ring"], None));
    assert!(written.contains("file = \"ring\""), "{written}");
    let first = keys(&folder, "ring");
    assert_eq!(first.len(), 1);
    assert!(!written.contains(&first[0][..8]), "the key stays in the file");
    folder.write("cloakroom.toml", &with_keys("file = \"ring\""));
    let check = done(&cloakroom(&folder, &["check"], None));
    assert!(check.contains("its keys are in ring"), "{check}");

    let again = cloakroom(&folder, &["keys", "generate", "--output", "ring"], None);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("never overwritten"), "{again:?}");
    assert_eq!(keys(&folder, "ring"), first);
}

#[test]
fn r28_rotate_puts_a_new_key_first_and_keeps_the_old() {
    let folder = Folder::new();
    folder.write("ring", KEY);
    folder.write("cloakroom.toml", &with_keys("file = \"ring\""));
    let said = done(&cloakroom(&folder, &["keys", "rotate"], None));
    assert!(
        said.contains("a new key seals from now on. Older ones that go on opening: 1."),
        "{said}"
    );
    let two = keys(&folder, "ring");
    assert_eq!(two.len(), 2);
    assert_eq!(two[1], KEY);
    assert!(!said.contains(&two[0][..8]), "no key on the terminal");

    // With the file alone; within a session's life nothing is dropped.
    done(&cloakroom(&folder, &["keys", "rotate", "--file", "ring"], None));
    let three = keys(&folder, "ring");
    assert_eq!(three[1..], two);

    let said = done(&cloakroom(&folder, &["keys", "rotate", "--keep", "0s"], None));
    assert!(said.contains("3 that sealed nothing for 0s are dropped"), "{said}");
    assert_eq!(keys(&folder, "ring").len(), 1);
}

#[test]
fn r28_a_prepared_key_waits_for_its_turn() {
    let folder = Folder::new();
    folder.write("ring", KEY);
    let rotate = |more: &[&str]| {
        cloakroom(&folder, &[&["keys", "rotate", "--file", "ring"], more].concat(), None)
    };
    let said = done(&rotate(&["--prepare"]));
    assert!(said.contains("a key is prepared"), "{said}");
    let prepared = keys(&folder, "ring");
    assert_eq!(prepared.len(), 2);
    assert_eq!(prepared[0], KEY, "it still seals");
    let twice = rotate(&["--prepare"]);
    assert_eq!(twice.status.code(), Some(1));
    assert!(text(&twice.stderr).contains("prepared already"), "{twice:?}");
    let said = done(&rotate(&[]));
    assert!(said.contains("the prepared key seals from now on"), "{said}");
    assert_eq!(keys(&folder, "ring"), [prepared[1].clone(), prepared[0].clone()]);
}

#[test]
fn rotate_prints_what_the_environment_is_to_hold() {
    let folder = Folder::new();
    folder.write("cloakroom.toml", &with_keys("env = \"CLOAKROOM_KEYS\""));
    let first = done(&cloakroom(&folder, &["keys", "generate"], None));
    let output = cloakroom(&folder, &["keys", "rotate"], Some(&first));
    let printed = done(&output);
    assert_eq!(printed.lines().count(), 1, "the keyring alone");
    assert_eq!(Keyring::parse(&printed).unwrap().count(), 2);
    assert!(text(&output.stderr).contains("CLOAKROOM_KEYS"), "{output:?}");
    // What it printed is what it takes.
    let again = done(&cloakroom(&folder, &["keys", "rotate"], Some(&printed)));
    assert_eq!(Keyring::parse(&again).unwrap().count(), 3);
}

#[test]
fn rotate_touches_nothing_that_it_does_not_understand() {
    let folder = Folder::new();
    let spoiled = format!("{KEY}\nnot a key\n");
    folder.write("ring", &spoiled);
    let output = cloakroom(&folder, &["keys", "rotate", "--file", "ring"], None);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("line 2 of the keyring"), "{output:?}");
    assert_eq!(fs::read_to_string(folder.path().join("ring")).unwrap(), spoiled);
    let missing = cloakroom(&folder, &["keys", "rotate", "--file", "none"], None);
    assert!(text(&missing.stderr).contains("keys generate --output none"), "{missing:?}");
    let odd = cloakroom(&folder, &["keys", "rotate", "--keep", "week"], None);
    assert_eq!(odd.status.code(), Some(2), "{odd:?}");
}

#[cfg(unix)]
#[test]
fn a_rotated_file_is_as_private_as_before_and_links_stay() {
    use std::os::unix::fs::{MetadataExt as _, symlink};
    let folder = Folder::new();
    let at = |name: &str| folder.path().join(name);
    done(&cloakroom(&folder, &["keys", "generate", "--output", "ring"], None));
    symlink("ring", at("link")).unwrap();
    for (before, after) in [(0o600, 0o600), (0o400, 0o600), (0o640, 0o640), (0o644, 0o640)] {
        folder.permit("ring", before);
        done(&cloakroom(&folder, &["keys", "rotate", "--file", "link"], None));
        assert_eq!(fs::metadata(at("ring")).unwrap().mode() & 0o777, after, "{before:o}");
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
    }
    assert_eq!(keys(&folder, "ring").len(), 5);
    assert!(!at("ring.new").exists());
}

/// Two at once, as two operators or a cron job would: no key is lost, for one may seal already.
#[test]
fn r28_rotations_at_once_lose_no_key() {
    let folder = Folder::new();
    folder.write("ring", KEY);
    let one = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloakroom"));
        command.args(["keys", "rotate", "--file", "ring"]).current_dir(folder.path());
        command.stdout(std::process::Stdio::null()).spawn().unwrap()
    };
    let mut running: Vec<_> = (0..8).map(|_| one()).collect();
    assert!(running.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(keys(&folder, "ring").len(), 9);
}
