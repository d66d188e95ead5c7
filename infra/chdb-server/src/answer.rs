//! A finished statement as an HTTP response.

use std::io::Write as _;

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;

use crate::error::{Code, QueryFailure};
use crate::ffi::{Counters, Output};
use crate::native;

/// Below this an LZ4 frame costs more than it saves, on a loopback all the more.
const MIN_FRAME: usize = 4096;

/// How the client reads the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    /// `compress=1`: says nothing in the headers.
    NativeBlocks,
    /// `Content-Encoding: lz4`.
    Lz4Frame,
}

/// The parts of a response.
#[derive(Debug)]
pub(crate) struct Answer {
    body: Bytes,
    framed: bool,
    counters: Counters,
    format: Option<String>,
}

impl Answer {
    /// Encodes a result. Takes milliseconds for large ones: for a blocking thread.
    pub(crate) fn new(
        output: Output,
        format: &str,
        encoding: Encoding,
    ) -> Result<Self, QueryFailure> {
        let frame = encoding == Encoding::Lz4Frame && output.data.len() >= MIN_FRAME;
        let body = match encoding {
            Encoding::NativeBlocks => native::encode(&output.data),
            Encoding::Lz4Frame if frame => lz4_frame(&output.data)
                .map_err(|error| QueryFailure::new(Code::UnknownException, error))?,
            _ => output.data,
        };
        Ok(Self {
            body: body.into(),
            framed: frame,
            counters: output.counters,
            format: Some(format.to_owned()),
        })
    }

    /// The empty answer of an insert.
    pub(crate) fn written(counters: Counters) -> Self {
        Self {
            body: Bytes::new(),
            framed: false,
            counters,
            format: None,
        }
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        let headers = response.headers_mut();
        if let Ok(summary) = HeaderValue::from_str(&summary(&self.counters)) {
            headers.insert("x-clickhouse-summary", summary);
        }
        let content_type = content_type(self.format.as_deref().unwrap_or_default());
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Some(format) = self.format.and_then(|it| HeaderValue::from_str(&it).ok()) {
            headers.insert("x-clickhouse-format", format);
        }
        if self.framed {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("lz4"));
        }
        response
    }
}

fn lz4_frame(data: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::with_capacity(data.len() / 2));
    encoder.write_all(data)?;
    Ok(encoder.finish()?)
}

/// ClickHouse writes every value as a string.
fn summary(counters: &Counters) -> String {
    // A duration in nanoseconds is far below 2^63, and never negative.
    let elapsed = std::time::Duration::try_from_secs_f64(counters.elapsed)
        .unwrap_or_default()
        .as_nanos();
    let Counters {
        result_rows,
        result_bytes,
        read_rows,
        read_bytes,
        written_rows,
        written_bytes,
        ..
    } = counters;
    format!(
        r#"{{"read_rows":"{read_rows}","read_bytes":"{read_bytes}","written_rows":"{written_rows}","written_bytes":"{written_bytes}","total_rows_to_read":"{read_rows}","result_rows":"{result_rows}","result_bytes":"{result_bytes}","elapsed_ns":"{elapsed}"}}"#
    )
}

fn content_type(format: &str) -> &'static str {
    let format = format.to_ascii_lowercase();
    match format.as_str() {
        "csv" => "text/csv; charset=UTF-8; header=absent",
        "csvwithnames" | "csvwithnamesandtypes" => "text/csv; charset=UTF-8; header=present",
        "xml" => "application/xml; charset=UTF-8",
        "jsoneachrow" | "ndjson" | "jsonlines" | "jsonstringseachrow" | "jsoncompacteachrow" => {
            "application/x-ndjson; charset=UTF-8"
        }
        _ if format.starts_with("json") => "application/json; charset=UTF-8",
        _ if format.starts_with("tabseparated") || format.starts_with("tsv") => {
            "text/tab-separated-values; charset=UTF-8"
        }
        _ if format.starts_with("rowbinary")
            || [
                "native",
                "arrow",
                "arrowstream",
                "parquet",
                "orc",
                "avro",
                "msgpack",
            ]
            .contains(&format.as_str()) =>
        {
            "application/octet-stream"
        }
        _ => "text/plain; charset=UTF-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn frames_are_read_by_an_ordinary_decoder() {
        let data = b"0123456789".repeat(100_000);
        let output = Output {
            data: data.clone(),
            counters: Counters::default(),
        };
        let answer = Answer::new(output, "TSV", Encoding::Lz4Frame).unwrap();
        assert!(answer.framed && answer.body.len() < data.len() / 10);
        let mut decoded = Vec::new();
        lz4_flex::frame::FrameDecoder::new(&answer.body[..])
            .read_to_end(&mut decoded)
            .unwrap();
        assert_eq!(decoded, data);
    }

    #[test]
    fn small_results_stay_plain() {
        let output = Output {
            data: b"1\n".to_vec(),
            counters: Counters::default(),
        };
        let answer = Answer::new(output, "TSV", Encoding::Lz4Frame).unwrap();
        assert!(!answer.framed);
        assert!(
            answer
                .into_response()
                .headers()
                .get("content-encoding")
                .is_none()
        );
    }

    #[test]
    fn the_summary_is_an_object_of_strings() {
        let counters = Counters {
            elapsed: 0.0015,
            written_rows: 3,
            ..Counters::default()
        };
        let summary: std::collections::HashMap<String, String> =
            serde_json::from_str(&summary(&counters)).unwrap();
        assert_eq!(summary["written_rows"], "3");
        assert_eq!(summary["elapsed_ns"], "1500000");
    }

    #[test]
    fn content_types() {
        assert!(content_type("JSON").starts_with("application/json"));
        assert!(content_type("JSONEachRow").starts_with("application/x-ndjson"));
        assert_eq!(
            content_type("RowBinaryWithNamesAndTypes"),
            "application/octet-stream"
        );
        assert!(content_type("TabSeparated").starts_with("text/tab"));
        assert!(content_type("PrettyCompact").starts_with("text/plain"));
    }
}
