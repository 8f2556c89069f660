use super::*;

const URL: (&str, &str) = ("SOTTO_PDS_DELEGATION_PUBLIC_URL", "https://pds.example");

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let rotation_key = "07".repeat(32);
    let secrets = [(JWT_SECRET, "secret"), (ROTATION_KEY, &rotation_key)];
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    secrets.iter().chain(pairs).map(owned).collect()
}

fn problems(pairs: &[(&str, &str)]) -> Vec<String> {
    load(None, variables(pairs)).expect_err("refused").problems
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), text).expect("write");
    file
}

#[test]
fn the_public_url_and_the_secrets_are_enough() {
    let config = load(None, variables(&[URL, ("PDS_HOSTNAME", "x")])).expect("config");
    assert_eq!(config.service_did.as_str(), "did:web:pds.example");
    assert_eq!(
        config.audience.as_str(),
        "did:web:pds.example#sotto_delegation"
    );
    assert_eq!(config.upstream.as_str(), "http://127.0.0.1:3000/");
    assert!(!format!("{config:?}").contains("0707"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = file("public_url = \"https://pds.example\"\nmax_connections = 5\nlog = \"text\"\n");
    let path = file.path().to_str().expect("path");
    let own = [
        ("SOTTO_PDS_DELEGATION_CONFIG", path),
        ("SOTTO_PDS_DELEGATION_MAX_CONNECTIONS", "7"),
    ];
    let config = load(None, variables(&own)).expect("config");
    assert_eq!(
        (config.limits.max_connections, config.log),
        (7, LogFormat::Text)
    );
}

#[test]
fn unknown_names_are_refused_in_both_places() {
    let file = file(
        "public_url = \"https://pds.example\"\nPDS_JWT_SECRET = \"x\"\njwt_secret = \"x\"\n[limits]\nx = 1\n",
    );
    let own = [
        ("SOTTO_PDS_DELEGATION_UPSTRAEM", "http://pds:3000"),
        ("SOTTO_PDS_DELEGATION_upstream", "http://pds:3000"),
    ];
    let refused = load(Some(file.path().to_owned()), variables(&own)).expect_err("refused");
    assert_eq!(refused.problems.len(), 5, "{refused}");
}

#[test]
fn every_bad_value_has_its_own_line() {
    let own = [
        ("LISTEN", "8080"),
        ("UPSTREAM", "https://pds.example"),
        ("PUBLIC_URL", "https://pds.example/path"),
        ("SERVICE_DID", "did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
        ("PLC_URL", "plc"),
        ("DEVELOPMENT", "yes"),
        ("LOG", "xml"),
        ("MAX_CONNECTIONS", "0"),
        ("CONCURRENT_CALLS", "-1"),
    ];
    for (name, value) in own {
        let variable = format!("{PREFIX}{name}");
        let found = problems(&[(&variable, value)]);
        assert!(
            found.iter().any(|line| line.starts_with(&variable)),
            "{name} in {found:?}"
        );
    }
}

#[test]
fn secrets_are_required() {
    let refused = load(None, [(URL.0.to_owned(), URL.1.to_owned())]).expect_err("refused");
    assert!(refused.to_string().contains(JWT_SECRET), "{refused}");
}

#[test]
fn http_needs_development() {
    let url = ("SOTTO_PDS_DELEGATION_PUBLIC_URL", "http://localhost:2583");
    let plc = ("SOTTO_PDS_DELEGATION_PLC_URL", "http://localhost:2582");
    assert_eq!(problems(&[url, plc]).len(), 2);
    let development = ("SOTTO_PDS_DELEGATION_DEVELOPMENT", "true");
    let config = load(None, variables(&[url, plc, development])).expect("development");
    assert_eq!(config.service_did.as_str(), "did:web:localhost%3A2583");
}

#[test]
fn a_public_url_without_a_did_of_its_own_needs_one() {
    let port = (
        "SOTTO_PDS_DELEGATION_PUBLIC_URL",
        "https://pds.example:8443",
    );
    assert_eq!(problems(&[port]).len(), 1);
    let did = ("SOTTO_PDS_DELEGATION_SERVICE_DID", "did:web:pds.example");
    load(None, variables(&[port, did])).expect("config");
}

#[test]
fn a_missing_or_broken_file_is_named() {
    let missing = load(Some("/nonexistent/x.toml".into()), variables(&[URL])).expect_err("missing");
    assert!(missing.to_string().contains("/nonexistent/x.toml"));
    let broken = file("public_url = ");
    assert!(load(Some(broken.path().to_owned()), variables(&[])).is_err());
}

#[test]
fn the_help_lists_every_setting() {
    let text = describe();
    for setting in SETTINGS {
        assert!(text.contains(setting.name));
    }
    assert!(text.contains(JWT_SECRET) && text.contains(ROTATION_KEY));
}
