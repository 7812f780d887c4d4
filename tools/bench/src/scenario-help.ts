import { alternate } from './alternation.js';
import type { Scenario } from './scenario.js';
import { ICT } from './workspace.js';

/** `ict --help`, against a Node that does nothing. */
export const help: Scenario = async ({ runs, onRun }) => [
  {
    title: '`ict --help` against an empty Node',
    results: await alternate(
      [
        { name: 'ict --help', command: { argv: [ICT, '--help'] } },
        { name: 'node -e 0', command: { argv: [process.execPath, '-e', '0'] } },
      ],
      runs ?? 21,
      onRun,
    ),
  },
];
