import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { hostname, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { once } from "node:events";

/** What is missing to start SLURM here, in words; empty where it can be started. */
export function slurmLacks(): string {
  const found = (name: string) => process.env.PATH!.split(delimiter).some((dir) => existsSync(join(dir, name)));
  const lacking = ["munged", "slurmctld", "slurmd", "sbatch"].filter((name) => !found(name));
  if (lacking.length > 0) return `${lacking.join(", ")} of Debian's slurm-wlm`;
  return process.getuid?.() === 0 ? "" : "to be root";
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** One machine that says it has eight processors. */
const confOf = (dir: string, [controller, node]: readonly number[]) => `ClusterName=test
SlurmctldHost=${hostname()}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${dir}/munge.socket
CryptoType=crypto/munge
SlurmctldPort=${controller}
SlurmdPort=${node}
SlurmctldPidFile=${dir}/slurmctld.pid
SlurmdPidFile=${dir}/slurmd.pid
SlurmctldLogFile=${dir}/slurmctld.log
SlurmdLogFile=${dir}/slurmd.log
StateSaveLocation=${dir}/state
SlurmdSpoolDir=${dir}/spool
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,batch_sched_delay=0
MinJobAge=300
NodeName=node NodeHostname=${hostname()} NodeAddr=127.0.0.1 CPUs=8 RealMemory=16000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`;

/** SLURM of the test's own: a controller and one node, on loopback, with all that they write in a temporary folder. */
export async function startSlurm() {
  const dir = mkdtempSync(join(tmpdir(), "relprop-slurm-"));
  // munged wants its socket where everybody may look, and its key where nobody else may.
  chmodSync(dir, 0o755);
  for (const name of ["state", "spool"]) mkdirSync(join(dir, name));
  writeFileSync(join(dir, "munge.key"), "k".repeat(128), { mode: 0o400 });
  writeFileSync(join(dir, "slurm.conf"), confOf(dir, await freePorts(2)));
  const env = { ...process.env, SLURM_CONF: join(dir, "slurm.conf") };
  const running: ChildProcess[] = [];
  const start = (program: string, ...words: string[]) => {
    const child = spawn(program, words, { env, stdio: "ignore" });
    running.push(child);
  };
  const file = (kind: string) => `--${kind}=${dir}/munge.${kind.replace("-file", "")}`;
  start("munged", "--foreground", "--force", ...["key-file", "pid-file", "log-file", "seed-file", "socket"].map(file));
  start("slurmctld", "-D", "-f", env.SLURM_CONF);
  start("slurmd", "-D", "-N", "node", "-f", env.SLURM_CONF);

  const stop = async () => {
    for (const child of running.reverse()) {
      if (child.exitCode !== null) continue;
      const ended = once(child, "exit");
      child.kill();
      await ended;
    }
    rmSync(dir, { recursive: true });
  };
  const state = () => {
    try {
      return execFileSync("sinfo", ["--noheader", "--format=%T"], {
        env,
        stdio: ["ignore", "pipe", "ignore"],
      }).toString();
    } catch {
      return "no answer";
    }
  };
  for (let tries = 0; state().trim() !== "idle"; tries++) {
    if (tries === 100) {
      const logs = ["slurmctld", "slurmd"].map((name) => join(dir, `${name}.log`)).filter((path) => existsSync(path));
      const said = logs.map((path) => readFileSync(path, "utf8").slice(-2000)).join("\n");
      await stop();
      throw new Error(`SLURM does not start: ${state()}\n${said}`);
    }
    await new Promise((go) => setTimeout(go, 300));
  }
  return {
    stop,
    /** Runs sbatch with these words and waits until the job has ended; its exit status is that of the job. */
    sbatch: (words: readonly string[], cwd: string, more: NodeJS.ProcessEnv): Promise<number> =>
      new Promise((done) => {
        const child = execFile("sbatch", ["--wait", ...words], { cwd, env: { ...env, ...more } });
        child.on("exit", (code) => done(code ?? -1));
      }),
  };
}
