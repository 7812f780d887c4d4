import { readFileSync } from 'node:fs';
import { decodeColumns, PackagesIndex, resolvePackages } from '@ict/provider-deb';

// Resolves one request into an empty root, from the text of an index or from its kept columns; the process is what is measured.
const [form, file, request] = process.argv.slice(2) as ['text' | 'columns', string, string];
const bytes = readFileSync(file);
const index = form === 'text' ? PackagesIndex.parse(bytes) : new PackagesIndex(decodeColumns(bytes));
const before = process.cpuUsage();
const resolution = resolvePackages({
  repositories: [{ id: 'archive', suites: ['archive'], priority: 500, index }],
  arch: 'amd64',
  seeds: [{ request, reason: 'template' }],
  recommends: true,
});
const { user, system } = process.cpuUsage(before);
if (resolution.kind !== 'resolved') throw new Error(resolution.problems.map(({ message }) => message).join('\n'));
// Of this program alone: the maximum that getrusage(2) tells counts what the parent had before `exec`, too.
const peakMiB = Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024);
const seconds = ((user + system) / 1e6).toFixed(3);
process.stdout.write(`${resolution.closure.packages.length} packages, ${seconds} s CPU for the resolution alone, ${peakMiB} MiB at most\n`);
