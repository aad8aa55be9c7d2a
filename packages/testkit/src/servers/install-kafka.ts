// Brings Apache Kafka into the cache: the jars that infra/kafka/pom.xml names, a formatted log directory to copy per
// run, and a class-data archive that halves the start. The archive is bound to the Java that wrote it and to the
// jars' paths, so it is the last step and its name carries both.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildOnce } from './build-once.ts'
import { cacheDir } from './cache-dir.ts'
import { findBinary } from './find-binary.ts'
import { kafkaProperties } from './kafka-properties.ts'
import { runCommand } from './run-command.ts'
import { startKafkaBroker } from './kafka-broker.ts'
import { freePorts } from './free-port.ts'
import { createRunDir } from './local-server.ts'

export type KafkaInstallation = {
  java: string
  classPath: string
  /** A formatted log directory; it holds no port and no path. */
  templateDir: string
  archiveFile: string
}

const POM_FILE = join(import.meta.dirname, '../../../../infra/kafka/pom.xml')

export async function ensureKafka(): Promise<KafkaInstallation> {
  const java = findBinary('java', 'openjdk-17-jre-headless')
  const pom = readFileSync(POM_FILE)
  const dir = join(cacheDir(), 'kafka', digest(pom))
  const classPath = sortedJars(await ensureJars(join(dir, 'libs')))
  const templateDir = await ensureTemplate(join(dir, 'template'), java, classPath)
  const archiveFile = join(dir, `classes-${digest(javaIdentity(java), classPath)}.jsa`)
  const installation = { java, classPath, templateDir, archiveFile }
  await ensureArchive(installation)
  return installation
}

/** Formats `logDir` as a log directory; `scram` adds a SCRAM user to the cluster's metadata. */
export async function formatKafka(
  { java, classPath }: Pick<KafkaInstallation, 'java' | 'classPath'>,
  logDir: string,
  scram?: { mechanism: string; username: string; password: string },
): Promise<void> {
  const scratch = await mkdtemp(`${logDir}-format-`)
  try {
    const file = join(scratch, 'server.properties')
    await writeFile(file, kafkaProperties({ logDir, clientPort: 9092, internalPort: 9093, controllerPort: 9094 }))
    const user = scram && `${scram.mechanism.toUpperCase()}=[name=${scram.username},password=${scram.password}]`
    const tool = [...TOOL_FLAGS, '-cp', classPath, 'kafka.tools.StorageTool']
    const id = (await runCommand(java, [...tool, 'random-uuid'])).trim()
    await runCommand(java, [...tool, 'format', '-t', id, '-c', file, ...(user ? ['--add-scram', user] : [])])
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const TOOL_FLAGS = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn']

function ensureJars(path: string): Promise<string> {
  return buildOnce({
    path,
    what: 'the jars of Apache Kafka (44 MB, from Maven)',
    build: async (outputDirectory) => {
      const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${outputDirectory}`]
      await runCommand(findBinary('mvn', 'maven'), ['-B', '-q', '-f', POM_FILE, ...goal])
    },
  })
}

function ensureTemplate(path: string, java: string, classPath: string): Promise<string> {
  return buildOnce({
    path,
    what: 'a formatted log directory for Kafka',
    build: async (logDir) => {
      await mkdir(logDir, { recursive: true })
      await formatKafka({ java, classPath }, logDir)
    },
  })
}

/** The classes that one short life with a topic and a few messages loads are those that tests need. */
function ensureArchive(installation: KafkaInstallation): Promise<string> {
  return buildOnce({
    path: installation.archiveFile,
    what: "Kafka's class-data archive",
    build: async (archiveFile) => {
      const [clientPort = 0, controllerPort = 0] = await freePorts(2)
      const broker = await startKafkaBroker({
        installation,
        runDir: createRunDir('kafka-archive'),
        properties: (logDir) => kafkaProperties({ logDir, clientPort, internalPort: clientPort, controllerPort }),
        probePort: clientPort,
        jvmFlags: [`-XX:ArchiveClassesAtExit=${archiveFile}`],
      })
      try {
        await exerciseBroker(clientPort)
        await broker.kill('SIGTERM')
      } finally {
        await broker.stop()
      }
    },
  })
}

async function exerciseBroker(port: number): Promise<void> {
  const { createKafkaClient } = await import('./kafka-client.ts')
  const client = createKafkaClient([`127.0.0.1:${port}`])
  const [admin, producer] = [client.admin(), client.producer()]
  try {
    await Promise.all([admin.connect(), producer.connect()])
    await admin.createTopics({ topics: [{ topic: 'warm-up', numPartitions: 1 }] })
    await producer.send({ topic: 'warm-up', messages: [{ value: 'x' }] })
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}

/** Sorted, since the archive is bound to the order of the class path and a directory has none. */
function sortedJars(libs: string): string {
  return readdirSync(libs)
    .filter((name) => name.endsWith('.jar'))
    .sort()
    .map((name) => join(libs, name))
    .join(':')
}

function javaIdentity(java: string): string {
  const path = realpathSync(java)
  try {
    return path + readFileSync(join(path, '../../release'), 'utf8')
  } catch {
    return path
  }
}

function digest(...parts: (string | Buffer)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex').slice(0, 12)
}
