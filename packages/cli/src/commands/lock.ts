import type { LockReport } from '@ict/core';
import type { LockedVersion, PackageChange } from '@ict/plugin-api';
import { advisoryRows } from '../views/advisory-text.js';
import { withEngine } from '../engine-session.js';
import { cliError } from '../errors.js';
import { giveToInvoker } from '../invoker.js';
import type { LockWriteFlags } from '../image-commands.js';
import { formatBytes, formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import type { Colors, Terminal } from '../views/terminal.js';
import { plainText, tableWithin } from '../views/terminal-text.js';

/** `ict lock` */
export async function lock(session: Session, template: string, names: readonly string[], flags: LockWriteFlags): Promise<void> {
  const { output, frozen, update, dryRun } = flags;
  if (names.length > 0 && update !== true) {
    throw cliError('ICT_CLI_USAGE', {
      message: `ict lock: ${names.map((name) => `"${name}"`).join(', ')} can be named only with --update`,
      hint: `Try \`ict lock ${template} --update ${names.join(' ')}\`.`,
    });
  }
  const report = await withEngine(session, flags, (engine) =>
    engine.lock(template, {
      ...(output === undefined ? {} : { output }),
      ...(frozen === undefined ? {} : { frozen }),
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(update === true ? { update: names } : {}),
    }),
  );
  if (report.written) await giveToInvoker([report.file], session.surroundings);
  session.result(lockText(report, dryRun === true, session.terminal));
}

/** What became of a lock, for people: each package that differs, the advisories that this fixes, then where it was written. */
export function lockText(
  report: LockReport,
  dryRun: boolean,
  { resultColors: colors, resultWidth }: Pick<Terminal, 'resultColors' | 'resultWidth'>,
): string {
  const { file, written, first, changes } = report;
  const lines: string[] = [];
  // A first lock differs from nothing in everything; that is no news.
  if (!first) {
    for (const { id, before, after } of changes.repositories) {
      lines.push(`${colors.bold(plainText(id))}  ${before?.date ?? 'new'} -> ${after?.date ?? 'gone'}`);
    }
    const rows = changes.packages.map((change) => changeRow(change, colors));
    lines.push(...tableWithin(resultWidth, rows, { first: 3, right: [3] }));
    const { advisories = [] } = changes;
    if (advisories.length > 0) {
      lines.push(`${formatCount(advisories.length, 'advisory', 'advisories')} fixed:`);
      lines.push(...advisories.flatMap((advisory) => advisoryRows(advisory, advisory.packages, colors)));
    }
  }
  const differs = changes.packages.length + changes.repositories.length > 0;
  const done = written ? 'written' : dryRun && differs ? 'would be written' : 'is up to date';
  const what = `${formatCount(report.packages, 'package')}, ${report.tools} more for tools`;
  lines.push(`${file} ${done} (${what})${first || changes.packages.length === 0 ? '' : `: ${summarise(changes.packages)}`}`);
  return `${lines.join('\n')}\n`;
}

function changeRow({ id, part, before, after }: PackageChange, colors: Colors): readonly string[] {
  const sign = before === undefined ? colors.green('+') : after === undefined ? colors.red('-') : colors.yellow('~');
  const versions = [before, after].filter((one) => one !== undefined).map(({ version }) => plainText(version));
  const repository = after?.repository ?? before?.repository ?? '';
  return [
    sign,
    plainText(id),
    [...new Set(versions)].join(' -> '),
    sizeText(before, after),
    plainText(repository),
    part === 'tools' ? colors.dim('tools') : '',
  ];
}

function sizeText(before: LockedVersion | undefined, after: LockedVersion | undefined): string {
  const bytes = (after?.sizeBytes ?? 0) - (before?.sizeBytes ?? 0);
  return `${bytes < 0 ? '-' : '+'}${formatBytes(Math.abs(bytes))}`;
}

function summarise(changes: readonly PackageChange[]): string {
  const added = changes.filter(({ before }) => before === undefined).length;
  const gone = changes.filter(({ after }) => after === undefined).length;
  const parts = [
    [changes.length - added - gone, 'changed'],
    [added, 'new'],
    [gone, 'gone'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ');
}
