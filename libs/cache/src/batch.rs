//! Writes: commands and scripts in one pipeline, and what is done about those that fail for a known reason.

use ::metrics::counter;
use redis::{Cmd, Pipeline, ServerErrorKind, ToRedisArgs, Value, cmd};

use crate::client::Cache;
use crate::corrupt;
use crate::error::CacheError;
use crate::metrics::{Operation, SCRIPTS_LOADED_AGAIN};
use crate::scripts::{self, Script};

/// Commands of one pipeline, at most: what is more goes in several, one after the other, so that a bulk write does not
/// keep the connection from everybody else for long.
pub(crate) const MOST_COMMANDS: usize = 1_000;

/// Commands of a write that must be done within the time of a read: a request may wait for it.
const MOST_QUICK_COMMANDS: usize = 100;

struct Command {
    cmd: Cmd,
    key: String,
    neighbour: Option<String>,
    is_script: bool,
}

/// Writes to be sent together. Each touches one key (or two of one slot); they are not one transaction.
#[derive(Default)]
pub(crate) struct Batch {
    commands: Vec<Command>,
}

impl Batch {
    pub(crate) fn command(&mut self, name: &str, key: String, arguments: impl FnOnce(&mut Cmd)) {
        let mut cmd = cmd(name);
        cmd.arg(&key);
        arguments(&mut cmd);
        self.commands.push(Command {
            cmd,
            key,
            neighbour: None,
            is_script: false,
        });
    }

    /// A script over one key.
    pub(crate) fn script(&mut self, script: &Script, key: String, arguments: impl ToRedisArgs) {
        self.call(script, key, None, arguments);
    }

    /// A script over two keys of one slot.
    pub(crate) fn script_with(
        &mut self,
        script: &Script,
        key: String,
        neighbour: String,
        arguments: impl ToRedisArgs,
    ) {
        self.call(script, key, Some(neighbour), arguments);
    }

    fn call(
        &mut self,
        script: &Script,
        key: String,
        neighbour: Option<String>,
        arguments: impl ToRedisArgs,
    ) {
        let mut cmd = cmd("EVALSHA");
        cmd.arg(script.digest())
            .arg(1 + usize::from(neighbour.is_some()))
            .arg(&key);
        if let Some(neighbour) = &neighbour {
            cmd.arg(neighbour);
        }
        cmd.arg(arguments);
        self.commands.push(Command {
            cmd,
            key,
            neighbour,
            is_script: true,
        });
    }
}

/// Why a command may succeed when it is sent once more.
enum Remedy {
    /// The server has forgotten the scripts: it was restarted behind a proxy, failed over, or was told to.
    LoadScripts,
    /// The key holds something else: only Nova writes here, so it goes, as any plain `SET` would have made it.
    RemoveKey,
}

fn remedy(command: &Command, reply: &Value) -> Option<Remedy> {
    let Value::ServerError(error) = reply else {
        return None;
    };
    if command.is_script && error.kind() == Some(ServerErrorKind::NoScript) {
        return Some(Remedy::LoadScripts);
    }
    is_wrong_type(error).then_some(Remedy::RemoveKey)
}

/// Whether the key is of another type. Servers before version 7 wrap what a script met in an error of their own.
pub(crate) fn is_wrong_type(error: &redis::ServerError) -> bool {
    error.code() == "WRONGTYPE"
        || error
            .details()
            .is_some_and(|text| text.contains("WRONGTYPE"))
}

impl Cache {
    /// Sends a batch, in several round trips when it has more than [`MOST_COMMANDS`] commands. Commands that fail for a
    /// known reason are sent once more.
    ///
    /// Answers one value per command, none of them an error.
    pub(crate) async fn write(
        &self,
        operation: Operation,
        batch: Batch,
    ) -> Result<Vec<Value>, CacheError> {
        let mut answers = Vec::with_capacity(batch.commands.len());
        for commands in batch.commands.chunks(MOST_COMMANDS) {
            answers.extend(self.write_some(operation, commands).await?);
        }
        Ok(answers)
    }

    /// As [`Cache::write`], for scripts that answer 1 when they wrote and 0 when not: how many wrote.
    pub(crate) async fn apply(
        &self,
        operation: Operation,
        batch: Batch,
    ) -> Result<usize, CacheError> {
        let answers = self.write(operation, batch).await?;
        Ok(answers.iter().filter(|answer| wrote(answer)).count())
    }

    async fn write_some(
        &self,
        operation: Operation,
        commands: &[Command],
    ) -> Result<Vec<Value>, CacheError> {
        let mut replies = self.send(operation, commands.iter()).await?;
        let failed: Vec<(usize, Remedy)> = commands
            .iter()
            .zip(&replies)
            .enumerate()
            .filter_map(|(i, (command, reply))| Some((i, remedy(command, reply)?)))
            .collect();
        if !failed.is_empty() {
            self.cure(commands, &failed).await?;
            let again = failed.iter().map(|(i, _)| &commands[*i]);
            let second = self.send(operation, again).await?;
            for ((i, _), reply) in failed.iter().zip(second) {
                replies[*i] = reply;
            }
        }
        for reply in &replies {
            if let Value::ServerError(error) = reply {
                let error = CacheError::of_command(error);
                crate::metrics::failed(operation, &error);
                return Err(error);
            }
        }
        Ok(replies)
    }

    async fn send<'a>(
        &self,
        operation: Operation,
        commands: impl Iterator<Item = &'a Command>,
    ) -> Result<Vec<Value>, CacheError> {
        let mut pipeline = Pipeline::new();
        for command in commands {
            pipeline.add_command(command.cmd.clone());
        }
        if pipeline.len() > MOST_QUICK_COMMANDS {
            self.bulk(operation, &pipeline).await
        } else {
            self.read(operation, &pipeline).await
        }
    }

    async fn cure(
        &self,
        commands: &[Command],
        failed: &[(usize, Remedy)],
    ) -> Result<(), CacheError> {
        let mut cure = Pipeline::new();
        if failed
            .iter()
            .any(|(_, remedy)| matches!(remedy, Remedy::LoadScripts))
        {
            counter!(SCRIPTS_LOADED_AGAIN).increment(1);
            cure = scripts::load_all();
        }
        for (i, remedy) in failed {
            if matches!(remedy, Remedy::RemoveKey) {
                let Command { key, neighbour, .. } = &commands[*i];
                corrupt::report("key of another type", key, "removed, and written afresh");
                // Which of two it was is not said.
                for key in std::iter::once(key).chain(neighbour) {
                    cure.cmd("UNLINK").arg(key);
                }
            }
        }
        self.bulk(Operation::SCRIPTS, &cure).await.map(drop)
    }
}

pub(crate) fn wrote(answer: &Value) -> bool {
    matches!(answer, Value::Int(1))
}
