import { createReadStream, readFileSync, statSync, writeFileSync } from 'node:fs';
import { decodePrimary, encodePrimary, PackagesIndex, PrimaryReader, RelationTable, resolvePackages } from '@ict/provider-rpm';

// Resolves one request into an empty root, from primary.xml or from its kept columns; the process is what is measured. With a fourth word the
// columns are kept there.
const [form, file, request, kept] = process.argv.slice(2) as ['text' | 'columns', string, string, string | undefined];
const start = process.cpuUsage();
const columns = form === 'text' ? await readPrimary(file) : decodePrimary(readFileSync(file));
const reading = secondsSince(start);
if (kept !== undefined) writeFileSync(kept, encodePrimary(columns));
const table = new RelationTable();
const index = new PackagesIndex(columns, table);
const before = process.cpuUsage();
const resolution = resolvePackages({
  repositories: [{ id: 'archive', priority: 0, cost: 1000, filter: { allow: [], exclude: [] }, index }],
  arch: 'x86_64',
  seeds: [{ request, reason: 'template' }],
  collections: { comps: { groups: new Map(), environments: new Map() } },
  table,
  recommends: true,
});
const resolving = secondsSince(before);
if (resolution.kind !== 'resolved')
  throw new Error(resolution.problems.map(({ message, because }) => `${message}: ${because.join('; ')}`).join('\n'));
// Of this program alone: the maximum that getrusage(2) tells counts what the parent had before `exec`, too.
const peakMiB = Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024);
const rate = form === 'text' ? ` (${(statSync(file).size / 1e6 / reading).toFixed(1)} MB per CPU second)` : '';
const times = `${reading.toFixed(3)} s CPU to read${rate}, ${resolving.toFixed(3)} s for the resolution, ${secondsSince().toFixed(3)} s for all`;
process.stdout.write(`${resolution.closure.packages.length} of ${index.count} packages, ${times}, ${peakMiB} MiB at most\n`);

/** CPU seconds of this process since `before`, or since it began. */
function secondsSince(before?: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

async function readPrimary(path: string) {
  const reader = new PrimaryReader(path);
  for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) reader.write(chunk as Buffer);
  return reader.finish();
}
