import { solve } from '@ict/solver';
import { conflictInstance } from './conflict-instance.js';

/** Versions of each package, and how many of another's will do: too few, just about enough. */
const VERSIONS = 10;
const WIDTHS = [4, 5];
const SEEDS = [1, 2, 3];

// Solves or refutes instances of one size, the argument; the process is what is measured.
const packages = Number(process.argv[2]);
const counts: Record<string, number> = { solved: 0, unsolvable: 0 };
let conflicts = 0;
for (const width of WIDTHS) {
  for (const seed of SEEDS) {
    const { kind, statistics } = solve(conflictInstance(packages, VERSIONS, width, seed));
    counts[kind] = (counts[kind] ?? 0) + 1;
    conflicts += statistics.conflicts;
  }
}
process.stdout.write(`${packages} packages: ${JSON.stringify(counts)}, ${conflicts} conflicts\n`);
