//! What is decided before anything starts: name, directories, ports, credentials.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::Endpoints;
use rand::Rng as _;

use crate::{Server, StackError, ports::Ports};

/// The database all of Nova's tables are in.
pub(crate) const DATABASE: &str = "nova";
/// The owner of the database, and the user of ClickHouse.
pub(crate) const USER: &str = "nova";
/// The role Debezium replicates as.
pub(crate) const CDC_USER: &str = "nova_cdc";

/// Ports of a stack. All are claimed, whichever servers it has: then [`Endpoints`] is always complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PortMap {
    pub(crate) postgres: u16,
    pub(crate) kafka: u16,
    pub(crate) kafka_controller: u16,
    pub(crate) connect: u16,
    pub(crate) clickhouse: u16,
    pub(crate) redis: u16,
    pub(crate) api: u16,
    pub(crate) admin: u16,
}

const PORTS: usize = 8;

/// One run of a stack.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Unique among all runs on this machine; names containers, networks and temporary directories.
    pub(crate) run_id: String,
    /// Where logs and data are.
    pub(crate) run_dir: PathBuf,
    pub(crate) ports: PortMap,
    pub(crate) cdc_password: String,
    pub(crate) endpoints: Endpoints,
    /// Held for reading while directories are prepared.
    pub(crate) preparing: RwLock<()>,
    ended: AtomicBool,
    _claimed: Ports,
}

impl Plan {
    /// Claims ports and creates the run directory, by default one below the system's temporary directory.
    pub(crate) fn new(
        run_dir: Option<PathBuf>,
        port_seed: Option<u64>,
    ) -> Result<Self, StackError> {
        let run_id = format!("nova-{}", random_hex(5));
        let run_dir = run_dir.unwrap_or_else(|| std::env::temp_dir().join(&run_id));
        fs::create_dir_all(run_dir.join("logs")).map_err(StackError::io(format!(
            "creating the run directory {}",
            run_dir.display()
        )))?;
        // Servers are known by the directory they work in, as the kernel spells it.
        let run_dir = run_dir
            .canonicalize()
            .map_err(StackError::io(format!("finding {}", run_dir.display())))?;
        let claimed =
            Ports::claim(PORTS, port_seed).map_err(StackError::io("finding free ports"))?;
        let ports = port_map(claimed.list());
        let (postgres_password, clickhouse_password) = (random_hex(8), random_hex(8));
        let endpoints = Endpoints {
            api: format!("http://127.0.0.1:{}", ports.api),
            admin: format!("http://127.0.0.1:{}", ports.admin),
            postgres: format!(
                "postgres://{USER}:{postgres_password}@127.0.0.1:{}/{DATABASE}",
                ports.postgres
            ),
            redis: format!("redis://127.0.0.1:{}", ports.redis),
            clickhouse: format!(
                "http://{USER}:{clickhouse_password}@127.0.0.1:{}",
                ports.clickhouse
            ),
            kafka: format!("127.0.0.1:{}", ports.kafka),
            connect: format!("http://127.0.0.1:{}", ports.connect),
            auth_secret: random_hex(32),
        };
        Ok(Self {
            run_id,
            run_dir,
            ports,
            cdc_password: random_hex(16),
            endpoints,
            preparing: RwLock::new(()),
            ended: AtomicBool::new(false),
            _claimed: claimed,
        })
    }

    /// The run is over: nothing more is to be written or started.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }

    /// Refuses to go on with the preparation of a run that is over.
    pub(crate) fn goes_on(&self) -> Result<(), StackError> {
        if self.ended.load(Ordering::SeqCst) {
            return Err(StackError::Cancelled);
        }
        Ok(())
    }

    /// The log of a server.
    pub(crate) fn log(&self, server: Server) -> PathBuf {
        self.run_dir.join("logs").join(format!("{server}.log"))
    }

    /// The directory a server works in, with its data and configuration.
    pub(crate) fn directory(&self, server: Server) -> PathBuf {
        self.run_dir.join(server.name())
    }

    /// Writes a file of a server's configuration.
    pub(crate) fn write(path: &Path, text: &str) -> Result<(), StackError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)
                .map_err(StackError::io(format!("creating {}", parent.display())))?;
        }
        fs::write(path, text).map_err(StackError::io(format!("writing {}", path.display())))
    }

    /// Password of PostgreSQL's owner.
    pub(crate) fn postgres_password(&self) -> String {
        password_of(&self.endpoints.postgres)
    }

    /// Password of ClickHouse's user.
    pub(crate) fn clickhouse_password(&self) -> String {
        password_of(&self.endpoints.clickhouse)
    }
}

fn password_of(url: &str) -> String {
    url::Url::parse(url)
        .ok()
        .and_then(|url| url.password().map(str::to_owned))
        .unwrap_or_default()
}

/// `bytes` random bytes as hexadecimal digits: safe in URLs, files and names.
fn random_hex(bytes: usize) -> String {
    let mut rng = rand::rng();
    (0..bytes)
        .map(|_| format!("{:02x}", rng.random::<u8>()))
        .collect()
}

fn port_map(ports: &[u16]) -> PortMap {
    let port = |index: usize| ports.get(index).copied().unwrap_or_default();
    PortMap {
        api: port(0),
        admin: port(1),
        postgres: port(2),
        kafka: port(3),
        kafka_controller: port(4),
        connect: port(5),
        clickhouse: port(6),
        redis: port(7),
    }
}
