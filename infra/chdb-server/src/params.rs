//! What a request asks for, apart from its body: the URL's parameters and a few headers.

use std::time::Duration;

use axum::http::{HeaderMap, Method, Uri};

use crate::auth::UrlCredentials;
use crate::error::{Code, QueryFailure};
use crate::ffi::Params;

/// Parameters that ClickHouse knows and that change nothing here: results are complete before the answer
/// begins, and there is no quota.
const WITHOUT_EFFECT: [&str; 5] = [
    "quota_key",
    "stacktrace",
    "buffer_size",
    "wait_end_of_query",
    "close_session",
];

/// A request, read from its URL and headers.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// The `query` of the URL, to which the body is appended.
    pub(crate) query: Vec<u8>,
    /// Values for `{name:Type}`; the first of a name counts.
    pub(crate) params: Params,
    /// Everything that is not a parameter of the interface is a setting.
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) database: Option<String>,
    /// The format of results whose query names none.
    pub(crate) format: Option<String>,
    pub(crate) query_id: Option<String>,
    /// Answer in native blocks.
    pub(crate) compress: bool,
    /// The body comes in native blocks.
    pub(crate) decompress: bool,
    /// The client reads LZ4 frames, and did not switch them off.
    pub(crate) accepts_lz4: bool,
    /// Only statements that change nothing: `readonly`, and every GET.
    pub(crate) read_only: bool,
    pub(crate) is_get: bool,
    pub(crate) max_execution_time: Option<Duration>,
    user: Option<String>,
    password: Option<String>,
}

impl Request {
    /// Reads URL and headers.
    ///
    /// # Errors
    /// Something is asked for that this server does not do: better said than ignored.
    pub(crate) fn new(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Self, QueryFailure> {
        let is_get = method == Method::GET || method == Method::HEAD;
        let header = |name: &str| {
            let value = headers
                .get(name)
                .map(|it| String::from_utf8_lossy(it.as_bytes()).into_owned());
            value.filter(|it| !it.is_empty())
        };
        let mut request = Self {
            is_get,
            read_only: is_get,
            database: header("x-clickhouse-database"),
            format: header("x-clickhouse-format"),
            query_id: header("x-clickhouse-query-id"),
            accepts_lz4: accepts_lz4(headers),
            ..Self::default()
        };
        let pairs = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        for (name, value) in pairs {
            request.take(&name, value.into_owned())?;
        }
        Ok(request)
    }

    pub(crate) fn credentials(&self) -> UrlCredentials<'_> {
        UrlCredentials {
            user: self.user.as_deref(),
            password: self.password.as_deref(),
        }
    }

    /// A parameter of the URL.
    fn take(&mut self, name: &str, value: String) -> Result<(), QueryFailure> {
        match name {
            "" => {}
            "query" => self.query.extend_from_slice(value.as_bytes()),
            "database" => set_once(&mut self.database, value),
            "default_format" => set_once(&mut self.format, value),
            "query_id" => self.query_id = Some(value).filter(|it| !it.is_empty()),
            "user" => self.user = Some(value),
            "password" => self.password = Some(value),
            "compress" => self.compress = flag(name, &value)?,
            "decompress" => self.decompress = flag(name, &value)?,
            "enable_http_compression" => self.accepts_lz4 &= flag(name, &value)?,
            "readonly" => self.read_only |= value != "0",
            "session_id" => {
                return Err(unsupported(
                    "Sessions (session_id): every request is on its own",
                ));
            }
            "role" => return Err(unsupported("Roles (role): there are no users and grants")),
            "client_protocol_version" if value != "0" => {
                return Err(unsupported("client_protocol_version other than 0"));
            }
            "client_protocol_version" | "session_timeout" | "session_check" => {}
            _ if WITHOUT_EFFECT.contains(&name) => {}
            _ => match name.strip_prefix("param_") {
                Some(name) => self.param(name, value.into_bytes()),
                None => self.setting(name, value)?,
            },
        }
        Ok(())
    }

    /// A value for `{name:Type}`.
    pub(crate) fn param(&mut self, name: &str, value: Vec<u8>) {
        if !self.params.iter().any(|(known, _)| known == name) {
            self.params.push((name.to_owned(), value));
        }
    }

    fn setting(&mut self, name: &str, value: String) -> Result<(), QueryFailure> {
        // The name becomes part of a SET: nothing but a name may.
        if !name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'.')
            || name.starts_with(|it: char| it.is_ascii_digit() || it == '.')
        {
            return Err(QueryFailure::new(
                Code::UnknownSetting,
                format_args!("Unknown setting '{name}'"),
            ));
        }
        if name == "max_execution_time" {
            self.max_execution_time = value
                .parse()
                .ok()
                .filter(|it| *it > 0.0)
                .and_then(|it| Duration::try_from_secs_f64(it).ok());
        }
        self.settings.push((name.to_owned(), value));
        Ok(())
    }

    /// The statement that applies the settings, if there are any. The engine gets `max_execution_time` in whole seconds, so that
    /// requests that only differ by fractions share a session; the server itself counts them.
    pub(crate) fn set_statement(&self) -> Option<String> {
        let setting = |name: &str, value: &str| format!("{name} = {}", quote(value, '\''));
        let settings = self.settings.iter();
        let settings: Vec<_> = settings
            .map(|(name, value)| match self.max_execution_time {
                Some(time) if name == "max_execution_time" => {
                    setting(name, &time.as_secs_f64().ceil().to_string())
                }
                _ => setting(name, value),
            })
            .collect();
        (!settings.is_empty()).then(|| format!("SET {}", settings.join(", ")))
    }

    /// The statement that changes the database, if it is another than the default.
    pub(crate) fn use_statement(&self) -> Option<String> {
        let database = self
            .database
            .as_deref()
            .filter(|it| !it.is_empty() && *it != "default")?;
        Some(format!("USE {}", quote(database, '`')))
    }
}

fn set_once(field: &mut Option<String>, value: String) {
    if field.is_none() {
        *field = Some(value);
    }
}

fn flag(name: &str, value: &str) -> Result<bool, QueryFailure> {
    match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(QueryFailure::new(
            Code::BadArguments,
            format_args!("The parameter {name} is 0 or 1, not '{value}'"),
        )),
    }
}

fn unsupported(what: &str) -> QueryFailure {
    QueryFailure::new(
        Code::NotImplemented,
        format_args!("{what}: not supported by nova-chdb-server"),
    )
}

fn quote(text: &str, mark: char) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(mark);
    for character in text.chars() {
        if character == mark || character == '\\' {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push(mark);
    quoted
}

fn accepts_lz4(headers: &HeaderMap) -> bool {
    headers
        .get_all(axum::http::header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .any(|it| {
            it.split(';')
                .next()
                .is_some_and(|it| it.trim().eq_ignore_ascii_case("lz4"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(query: &str) -> Result<Request, QueryFailure> {
        let uri = format!("/?{query}").parse().unwrap();
        Request::new(&Method::POST, &uri, &HeaderMap::new())
    }

    #[test]
    fn parameters_of_the_interface_are_no_settings() {
        let request = get(
            "query=SELECT%201&database=d&default_format=CSV&query_id=q&user=u&password=p&compress=1&wait_end_of_query=1&quota_key=x&&readonly=0",
        )
        .unwrap();
        assert_eq!(request.query, b"SELECT 1");
        assert_eq!(request.settings, []);
        assert!(request.compress && !request.read_only);
        assert_eq!(request.use_statement().as_deref(), Some("USE `d`"));
        assert_eq!(request.set_statement(), None);
    }

    #[test]
    fn settings_are_quoted_and_names_checked() {
        let request = get("max_threads=2&log_comment=it's+%5C&max_execution_time=1.5").unwrap();
        assert_eq!(
            request.set_statement().as_deref(),
            Some("SET max_threads = '2', log_comment = 'it\\'s \\\\', max_execution_time = '2'")
        );
        assert_eq!(
            request.max_execution_time,
            Some(Duration::from_millis(1500))
        );
        for name in ["a%3D1%2Cb", "1a", "a-b", "a%20b"] {
            assert!(
                get(&format!("{name}=1"))
                    .unwrap_err()
                    .is(Code::UnknownSetting),
                "{name}"
            );
        }
        for time in ["0", "-1", "x", "1e300"] {
            assert_eq!(
                get(&format!("max_execution_time={time}"))
                    .unwrap()
                    .max_execution_time,
                None
            );
        }
    }

    #[test]
    fn the_first_value_of_a_parameter_counts() {
        let request = get("param_x=1&param_x=2&param_y=%5CN").unwrap();
        assert_eq!(
            request.params,
            [
                ("x".to_owned(), b"1".to_vec()),
                ("y".to_owned(), b"\\N".to_vec())
            ]
        );
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for query in ["session_id=x", "role=r", "client_protocol_version=54492"] {
            assert!(get(query).unwrap_err().is(Code::NotImplemented), "{query}");
        }
        assert!(get("compress=maybe").unwrap_err().is(Code::BadArguments));
        assert!(get("client_protocol_version=0").is_ok());
    }

    #[test]
    fn get_is_read_only() {
        let uri = "/?query=x".parse().unwrap();
        assert!(
            Request::new(&Method::GET, &uri, &HeaderMap::new())
                .unwrap()
                .read_only
        );
        assert!(get("readonly=2").unwrap().read_only);
    }

    #[test]
    fn lz4_is_found_among_encodings() {
        let mut headers = HeaderMap::new();
        headers.insert("accept-encoding", "gzip, LZ4;q=1".parse().unwrap());
        let uri: Uri = "/".parse().unwrap();
        assert!(
            Request::new(&Method::POST, &uri, &headers)
                .unwrap()
                .accepts_lz4
        );
        let uri: Uri = "/?enable_http_compression=0".parse().unwrap();
        assert!(
            !Request::new(&Method::POST, &uri, &headers)
                .unwrap()
                .accepts_lz4
        );
    }
}
