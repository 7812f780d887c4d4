import { readFileSync, statSync } from 'node:fs';
import { decodeDirectory, PackagesIndex, readDirectory, resolvePackages, TextInFiles } from '@ict/provider-deb';

// Resolves one request into an empty root, from the text of an index, with its kept directory where a third word names it; the process is what is measured.
const [file, request, kept] = process.argv.slice(2) as [string, string, string | undefined];
const text = new TextInFiles([{ path: file, sizeBytes: statSync(file).size }]);
const directory = kept === undefined ? readDirectory(text, [{ path: file, offset: 0 }]) : decodeDirectory(readFileSync(kept));
const index = new PackagesIndex(directory, text);
const before = process.cpuUsage();
const resolution = resolvePackages({
  repositories: [{ id: 'archive', suites: ['archive'], priority: 500, index }],
  arch: 'amd64',
  seeds: [{ request, reason: 'template' }],
  recommends: true,
});
const { user, system } = process.cpuUsage(before);
index.close();
if (resolution.kind !== 'resolved') throw new Error(resolution.problems.map(({ message }) => message).join('\n'));
// Of this program alone: the maximum that getrusage(2) tells counts what the parent had before `exec`, too.
const peakMiB = Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024);
const seconds = ((user + system) / 1e6).toFixed(3);
process.stdout.write(`${resolution.closure.packages.length} packages, ${seconds} s CPU for the resolution alone, ${peakMiB} MiB at most\n`);
