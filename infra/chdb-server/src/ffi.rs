//! The C interface of libchdb, loaded at run time: the only file of the workspace with `unsafe`.
//!
//! Everything is behind three owning types: [`Library`] (loaded once, never unloaded), [`Connection`]
//! (one statement at a time, hence `&mut self`) and [`InsertStream`] (borrows its connection).

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::NonNull;

use thiserror::Error;

/// What can go wrong at the boundary to the library.
#[derive(Debug, Error)]
pub enum FfiError {
    /// The shared library could not be opened, or lacks a function of the C interface.
    #[error("cannot load libchdb: {0}")]
    Load(#[from] libloading::Error),
    /// An argument of a connection contains a NUL byte.
    #[error("a connection argument contains a NUL byte: {0:?}")]
    Argument(String),
    /// The engine refused the connection; only its own output says why.
    #[error(
        "the engine refused to start or to open a connection; it says why on stderr, or in the log that its configuration names"
    )]
    Connect,
    /// A statement could not be classified.
    #[error("the engine could not analyse the statement")]
    Classify,
    /// Threads of the engine were still alive after the shutdown.
    #[error("the engine reported that some of its threads did not stop")]
    Shutdown,
}

#[repr(C)]
struct RawConnection {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawResult {
    _opaque: [u8; 0],
}

#[repr(C)]
struct RawInsert {
    _opaque: [u8; 0],
}

/// `chdb_query_analysis_v1`; `struct_size` tells a newer engine how much of it there is.
#[repr(C)]
struct RawAnalysis {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

type ResultCounter = unsafe extern "C" fn(*mut RawResult) -> u64;

struct Api {
    connect: unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut *mut RawConnection,
    close: unsafe extern "C" fn(*mut *mut RawConnection),
    query: unsafe extern "C" fn(
        *mut RawConnection,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *const *const c_char,
        *const usize,
        *const *const c_char,
        *const usize,
        usize,
    ) -> *mut RawResult,
    classify: unsafe extern "C" fn(
        *mut RawConnection,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *mut RawAnalysis,
    ) -> c_int,
    insert: unsafe extern "C" fn(
        *mut RawConnection,
        *const c_char,
        usize,
        *const c_char,
        usize,
        *const *const c_char,
        *const usize,
        *const *const c_char,
        *const usize,
        usize,
    ) -> *mut RawInsert,
    append: unsafe extern "C" fn(*mut RawInsert, *const c_void, usize) -> c_int,
    done: unsafe extern "C" fn(*mut RawInsert) -> *mut RawResult,
    cancel_insert: unsafe extern "C" fn(*mut RawInsert),
    insert_error: unsafe extern "C" fn(*mut RawInsert) -> *const c_char,
    destroy_insert: unsafe extern "C" fn(*mut RawInsert),
    destroy_result: unsafe extern "C" fn(*mut RawResult),
    result_buffer: unsafe extern "C" fn(*mut RawResult) -> *mut c_char,
    result_length: unsafe extern "C" fn(*mut RawResult) -> usize,
    result_error: unsafe extern "C" fn(*mut RawResult) -> *const c_char,
    elapsed: unsafe extern "C" fn(*mut RawResult) -> f64,
    result_rows: ResultCounter,
    result_bytes: ResultCounter,
    read_rows: ResultCounter,
    read_bytes: ResultCounter,
    written_rows: ResultCounter,
    written_bytes: ResultCounter,
    set_signal_handlers: unsafe extern "C" fn(c_int),
    shutdown: unsafe extern "C" fn() -> c_int,
}

/// The loaded engine. One engine runs per process, on one data directory.
pub(crate) struct Library {
    api: Api,
}

impl Library {
    /// Opens the shared library at `path` and resolves its functions.
    ///
    /// The library stays loaded until the process ends: the engine has threads and thread-local
    /// destructors that must never outlive its code.
    ///
    /// # Errors
    /// The file cannot be opened, or a function of the C interface is missing.
    pub(crate) fn load(path: &Path) -> Result<&'static Self, FfiError> {
        // SAFETY: the initialisers of libchdb only set up its allocator and registries; the path is
        // the operator's choice, as with any dynamic linking.
        let library = unsafe { libloading::Library::new(path) }?;
        let library: &'static libloading::Library = Box::leak(Box::new(library));
        macro_rules! symbol {
            ($name:literal) => {
                // SAFETY: the signature in `Api` is the one that chdb.h declares for this name, and
                // the library is never unloaded, so the pointer stays valid.
                *unsafe { library.get($name) }?
            };
        }
        let api = Api {
            connect: symbol!(b"chdb_connect\0"),
            close: symbol!(b"chdb_close_conn\0"),
            query: symbol!(b"chdb_query_with_params_n\0"),
            classify: symbol!(b"chdb_classify_query_n\0"),
            insert: symbol!(b"chdb_stream_insert_with_params_n\0"),
            append: symbol!(b"chdb_stream_append\0"),
            done: symbol!(b"chdb_stream_done\0"),
            cancel_insert: symbol!(b"chdb_stream_cancel_insert\0"),
            insert_error: symbol!(b"chdb_stream_insert_error\0"),
            destroy_insert: symbol!(b"chdb_destroy_insert_stream\0"),
            destroy_result: symbol!(b"chdb_destroy_query_result\0"),
            result_buffer: symbol!(b"chdb_result_buffer\0"),
            result_length: symbol!(b"chdb_result_length\0"),
            result_error: symbol!(b"chdb_result_error\0"),
            elapsed: symbol!(b"chdb_result_elapsed\0"),
            result_rows: symbol!(b"chdb_result_rows_read\0"),
            result_bytes: symbol!(b"chdb_result_bytes_read\0"),
            read_rows: symbol!(b"chdb_result_storage_rows_read\0"),
            read_bytes: symbol!(b"chdb_result_storage_bytes_read\0"),
            written_rows: symbol!(b"chdb_result_rows_written\0"),
            written_bytes: symbol!(b"chdb_result_bytes_written\0"),
            set_signal_handlers: symbol!(b"chdb_set_signal_handlers_enabled\0"),
            shutdown: symbol!(b"chdb_shutdown\0"),
        };
        // The process handles SIGTERM and SIGINT itself.
        // SAFETY: takes a plain integer, and no connection exists yet, as the header asks.
        unsafe { (api.set_signal_handlers)(0) };
        Ok(Box::leak(Box::new(Self { api })))
    }

    /// Opens a connection. The first one starts the engine with these arguments (`--path=…`,
    /// `--config-file=…`); later ones must name the same path.
    ///
    /// # Errors
    /// An argument has a NUL byte, or the engine refuses.
    pub(crate) fn connect(&'static self, arguments: &[String]) -> Result<Connection, FfiError> {
        let arguments = std::iter::once("nova-chdb-server")
            .chain(arguments.iter().map(String::as_str))
            .map(|it| CString::new(it).map_err(|_| FfiError::Argument(it.to_owned())))
            .collect::<Result<Vec<_>, _>>()?;
        let mut pointers: Vec<*mut c_char> =
            arguments.iter().map(|it| it.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(pointers.len()).map_err(|_| FfiError::Connect)?;
        pointers.push(std::ptr::null_mut());
        // SAFETY: `pointers` is an argv of `count` NUL-terminated strings and a null that lives
        // through the call; the engine copies what it keeps and does not write to the strings.
        let handle = unsafe { (self.api.connect)(count, pointers.as_mut_ptr()) };
        let handle = NonNull::new(handle).ok_or(FfiError::Connect)?;
        Ok(Connection {
            library: self,
            handle,
        })
    }

    /// Stops the engine for the rest of the process. Every [`Connection`] must be gone.
    ///
    /// # Errors
    /// Connections are open, or threads of the engine did not stop in time; harmless when the
    /// process exits next.
    pub(crate) fn shutdown(&self) -> Result<(), FfiError> {
        // SAFETY: may be called from any thread, repeatedly, and refuses while connections exist.
        match unsafe { (self.api.shutdown)() } {
            0 => Ok(()),
            _ => Err(FfiError::Shutdown),
        }
    }
}

/// Named query parameters, already in the escaped form that the HTTP interface takes.
pub(crate) type Params = Vec<(String, Vec<u8>)>;

/// The pointer and length arrays that the C interface takes for parameters; borrows from them.
struct ParamArrays {
    names: Vec<*const c_char>,
    name_lens: Vec<usize>,
    values: Vec<*const c_char>,
    value_lens: Vec<usize>,
}

impl ParamArrays {
    fn new(params: &Params) -> Self {
        Self {
            names: params
                .iter()
                .map(|(name, _)| name.as_ptr().cast())
                .collect(),
            name_lens: params.iter().map(|(name, _)| name.len()).collect(),
            values: params
                .iter()
                .map(|(_, value)| value.as_ptr().cast())
                .collect(),
            value_lens: params.iter().map(|(_, value)| value.len()).collect(),
        }
    }
}

/// What a statement does, by the engine's own parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// SELECT, SHOW, DESCRIBE, EXPLAIN, EXISTS, CHECK.
    ReadOnly,
    /// Changes data or schema, inside a database or beside all of them.
    Mutating,
    /// SET, USE, SYSTEM, ATTACH, KILL and the like: acts on the session or on the server.
    Control,
    /// Did not parse, or is of a kind that the engine does not classify.
    Unknown,
}

/// The engine's analysis of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Analysis {
    /// The most far-reaching class of its statements.
    pub(crate) class: Class,
    /// Executable statements; 0 when the text is empty or does not parse.
    pub(crate) statements: u32,
}

/// Counters of a finished statement.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counters {
    /// Seconds in the engine.
    pub(crate) elapsed: f64,
    /// Rows in the result.
    pub(crate) result_rows: u64,
    /// Bytes of the result in the engine's own representation.
    pub(crate) result_bytes: u64,
    /// Rows read from storage.
    pub(crate) read_rows: u64,
    /// Bytes read from storage.
    pub(crate) read_bytes: u64,
    /// Rows written, with those of materialised views.
    pub(crate) written_rows: u64,
    /// Bytes written, with those of materialised views.
    pub(crate) written_bytes: u64,
}

/// A finished statement: the formatted rows and the counters.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// The result in the format asked for.
    pub(crate) data: Vec<u8>,
    /// What it took.
    pub(crate) counters: Counters,
}

/// Why a statement did not finish with an output.
#[derive(Debug)]
pub(crate) enum QueryError {
    /// The engine's message, as a rule `Code: N. DB::Exception: …`.
    Engine(String),
    /// The result has this many bytes, more than the limit.
    TooLarge(usize),
}

/// A session of the engine. Runs one statement at a time; may move between threads.
pub(crate) struct Connection {
    library: &'static Library,
    handle: NonNull<*mut RawConnection>,
}

// SAFETY: the C interface ties a connection to no thread (each call attaches the calling one); it only
// forbids two calls at once on one connection, which `&mut self` on every method rules out.
unsafe impl Send for Connection {}

impl Connection {
    fn raw(&self) -> *mut RawConnection {
        // SAFETY: the handle came from `chdb_connect` and is closed only in `drop`.
        unsafe { *self.handle.as_ptr() }
    }

    /// Says what `sql` would do, without running it.
    ///
    /// # Errors
    /// The connection is closed, or the engine's structure is another one.
    pub(crate) fn classify(&mut self, sql: &[u8]) -> Result<Analysis, FfiError> {
        let mut analysis = RawAnalysis {
            struct_size: u32::try_from(size_of::<RawAnalysis>()).unwrap_or_default(),
            statement_count: 0,
            flags: 0,
            query_class: 0,
        };
        // SAFETY: `sql` is a buffer of the given length, the target database is absent (null, 0), and
        // `analysis` says its own size.
        let state = unsafe {
            (self.library.api.classify)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                std::ptr::null(),
                0,
                &raw mut analysis,
            )
        };
        if state != 0 {
            return Err(FfiError::Classify);
        }
        let class = match analysis.query_class {
            0 => Class::ReadOnly,
            1 | 2 => Class::Mutating,
            3 => Class::Control,
            _ => Class::Unknown,
        };
        Ok(Analysis {
            class,
            statements: analysis.statement_count,
        })
    }

    /// Runs `sql`, its rows formatted as `format` unless it names another one, with `params` bound for
    /// this call alone. Blocks until it ends.
    ///
    /// # Errors
    /// The engine's error, or a result of more than `max_bytes`.
    pub(crate) fn query(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &Params,
        max_bytes: usize,
    ) -> Result<Output, QueryError> {
        let arrays = ParamArrays::new(params);
        // SAFETY: every pointer goes with its length, and all buffers live through the call.
        let result = unsafe {
            (self.library.api.query)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                arrays.names.as_ptr(),
                arrays.name_lens.as_ptr(),
                arrays.values.as_ptr(),
                arrays.value_lens.as_ptr(),
                params.len(),
            )
        };
        // SAFETY: the pointer was just returned by the library and is not used again.
        unsafe { self.library.take_result(result, max_bytes) }
    }

    /// Begins an insert of data that follows in chunks. `sql` is the statement without its FORMAT.
    ///
    /// # Errors
    /// The engine's error (unknown table, wrong column, bad format name).
    pub(crate) fn insert(
        &mut self,
        sql: &[u8],
        format: &str,
        params: &Params,
    ) -> Result<InsertStream<'_>, String> {
        let arrays = ParamArrays::new(params);
        // SAFETY: every pointer goes with its length, and all buffers live through the call.
        let handle = unsafe {
            (self.library.api.insert)(
                self.raw(),
                sql.as_ptr().cast(),
                sql.len(),
                format.as_ptr().cast(),
                format.len(),
                arrays.names.as_ptr(),
                arrays.name_lens.as_ptr(),
                arrays.values.as_ptr(),
                arrays.value_lens.as_ptr(),
                params.len(),
            )
        };
        let Some(handle) = NonNull::new(handle) else {
            return Err("the engine gave no insert stream".to_owned());
        };
        let stream = InsertStream {
            connection: self,
            handle,
        };
        match stream.error() {
            Some(error) => Err(error),
            None => Ok(stream),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: the handle came from `chdb_connect`, is closed once, and no stream can borrow from it.
        // (The library nulls the inner pointer and keeps the outer one, a few bytes, for itself.)
        unsafe { (self.library.api.close)(self.handle.as_ptr()) };
    }
}

/// An insert that takes data. Dropped without [`InsertStream::finish`] it is cancelled.
pub(crate) struct InsertStream<'a> {
    connection: &'a mut Connection,
    handle: NonNull<RawInsert>,
}

impl InsertStream<'_> {
    fn api(&self) -> &Api {
        &self.connection.library.api
    }

    fn error(&self) -> Option<String> {
        // SAFETY: the handle is live; the string, if any, is copied before anything else is called.
        unsafe { c_string((self.api().insert_error)(self.handle.as_ptr())) }
    }

    /// Hands over a chunk; blocks while the engine is behind. False when the insert has failed (or its
    /// format has found its end): [`InsertStream::finish`] then says how it went.
    pub(crate) fn append(&mut self, data: &[u8]) -> bool {
        // SAFETY: the handle is live, and the engine copies the chunk before it returns.
        let state =
            unsafe { (self.api().append)(self.handle.as_ptr(), data.as_ptr().cast(), data.len()) };
        state == 0
    }

    /// Ends the data and waits until it is written, through all materialised views.
    ///
    /// # Errors
    /// The engine's message.
    pub(crate) fn finish(self) -> Result<Counters, String> {
        // SAFETY: the handle is live; `drop` destroys it afterwards, as the header asks.
        let result = unsafe { (self.api().done)(self.handle.as_ptr()) };
        // SAFETY: the pointer was just returned by the library and is not used again.
        match unsafe { self.connection.library.take_result(result, usize::MAX) } {
            Ok(output) => Ok(output.counters),
            Err(QueryError::Engine(message)) => Err(message),
            Err(QueryError::TooLarge(_)) => Err("an insert returned data".to_owned()),
        }
    }

    /// Gives the insert up: blocks that are not written yet are discarded.
    pub(crate) fn cancel(self) {
        // SAFETY: the handle is live and destroyed by `drop` alone.
        unsafe { (self.api().cancel_insert)(self.handle.as_ptr()) };
    }
}

impl Drop for InsertStream<'_> {
    fn drop(&mut self) {
        // SAFETY: destroys the handle once; the library cancels an unfinished stream first.
        unsafe { (self.api().destroy_insert)(self.handle.as_ptr()) };
    }
}

impl Library {
    /// Copies a result out of the library and destroys it.
    ///
    /// # Safety
    /// `raw` is null or a result of this library that nothing else uses.
    unsafe fn take_result(
        &self,
        raw: *mut RawResult,
        max_bytes: usize,
    ) -> Result<Output, QueryError> {
        struct Guard<'a>(&'a Api, *mut RawResult);
        impl Drop for Guard<'_> {
            fn drop(&mut self) {
                // SAFETY: the result is destroyed here and nowhere else.
                unsafe { (self.0.destroy_result)(self.1) };
            }
        }
        if raw.is_null() {
            return Err(QueryError::Engine(
                "the engine returned no result".to_owned(),
            ));
        }
        let api = &self.api;
        let _guard = Guard(api, raw);
        // SAFETY: the result is live until the guard drops; the message is copied at once.
        if let Some(error) = unsafe { c_string((api.result_error)(raw)) } {
            return Err(QueryError::Engine(error));
        }
        // SAFETY: the result is live until the guard drops; these only read it.
        let (buffer, length, counters) = unsafe {
            (
                (api.result_buffer)(raw),
                (api.result_length)(raw),
                Counters {
                    elapsed: (api.elapsed)(raw),
                    result_rows: (api.result_rows)(raw),
                    result_bytes: (api.result_bytes)(raw),
                    read_rows: (api.read_rows)(raw),
                    read_bytes: (api.read_bytes)(raw),
                    written_rows: (api.written_rows)(raw),
                    written_bytes: (api.written_bytes)(raw),
                },
            )
        };
        if length > max_bytes {
            return Err(QueryError::TooLarge(length));
        }
        let data = if buffer.is_null() || length == 0 {
            Vec::new()
        } else {
            // SAFETY: the library says that `length` bytes are readable there until the guard drops.
            unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), length) }.to_vec()
        };
        Ok(Output { data, counters })
    }
}

/// Copies a C string; `None` for null and for the empty string.
///
/// # Safety
/// `text` is null or NUL-terminated and readable.
unsafe fn c_string(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: not null, and NUL-terminated by the contract of this function.
    let text = unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned();
    (!text.is_empty()).then_some(text)
}
