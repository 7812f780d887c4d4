import type { FileDifference, ValueDifference } from '@ict/inspect';
import type { PackageDifference, PartitionProblem } from '../commands/compare.js';
import { formatCount } from './quantity.js';
import type { Colors } from './terminal.js';
import { plainText, table } from './terminal-text.js';

/** What `ict compare` has to tell. */
export interface ComparisonWords {
  readonly a: string;
  readonly b: string;
  readonly values: readonly ValueDifference[];
  /** Undefined where nobody says which packages the images have. */
  readonly packages: readonly PackageDifference[] | undefined;
  readonly files: readonly FileDifference[];
  readonly compared: readonly number[];
  /** Filesystems, else types, of partitions of which the bytes were compared, as nobody reads their files. */
  readonly whole: readonly string[];
  /** Those that both images have: what only one has is among the values. */
  readonly problems: readonly PartitionProblem[];
}

const SIGNS = { added: '+', removed: '-', changed: '~' } as const;

/** What `ict compare` says to people: of each difference what the first image has, then what the second has. */
export function comparisonText(words: ComparisonWords, colors: Colors): string {
  const { a, b, values, packages = [], files, compared, whole, problems } = words;
  const looked =
    compared.length === 0 ? 'No files could be compared' : `Files of ${formatCount(compared.length, 'partition')} were compared`;
  const kinds = `${formatCount(whole.length, 'partition')} (${[...new Set(whole)].map(plainText).join(', ')})`;
  const bytes = whole.length === 0 ? '' : `; of ${kinds} the bytes were, as their files are not read`;
  const warnings = problems.map(
    ({ partition, problem }) => `  ${colors.yellow('warning')} partition ${partition} of both: ${plainText(problem)}\n`,
  );
  const last = `${looked}${bytes}.\n${warnings.join('')}`;
  if (values.length === 0 && packages.length === 0 && files.length === 0)
    return `${plainText(a)} and ${plainText(b)} hold the same. ${last}`;
  const lines = [colors.red(`- ${plainText(a)}`), colors.green(`+ ${plainText(b)}`)];
  const sides = (was: unknown, is: unknown): readonly string[] => [colors.red(shown(was)), colors.green(shown(is))];
  if (values.length > 0) lines.push('', `${formatCount(values.length, 'value')}:`);
  for (const { what, a: was, b: is } of values) {
    lines.push(`  ${plainText(what)}`, colors.red(`    - ${shown(was)}`), colors.green(`    + ${shown(is)}`));
  }
  if (packages.length > 0) {
    lines.push('', `${formatCount(packages.length, 'package')}:`);
    lines.push(...table(packages.map(({ name, arch, a: was, b: is }) => [`  ${plainText(name)}:${plainText(arch)}`, ...sides(was, is)])));
  }
  if (files.length > 0) {
    lines.push('', `${formatCount(files.length, 'file')}:`);
    lines.push(
      ...table(
        files.map(({ partition, path, change, aspects }) => [`  ${SIGNS[change]} ${partition}:${plainText(path)}`, aspects.join(', ')]),
      ),
    );
    for (const { partition, path, unread } of files) {
      for (const [image, reason] of [[a, unread?.a] as const, [b, unread?.b] as const]) {
        if (reason === undefined) continue;
        const where = `${partition}:${plainText(path)} of ${plainText(image)}`;
        lines.push(`  ${colors.yellow('warning')} files in ${where} are not read: ${plainText(reason)}`);
      }
    }
  }
  lines.push('', last);
  return lines.join('\n');
}

function shown(value: unknown): string {
  return value === undefined ? '-' : plainText(String(value));
}
