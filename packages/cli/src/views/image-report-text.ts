import type { ImageReport, PartitionReport } from '@ict/inspect';
import { formatBytes, formatCount } from './quantity.js';
import type { Colors } from './terminal.js';
import { plainText, table } from './terminal-text.js';

/**
 * What `ict inspect` says to people.
 *
 * @param packages how many the manifest beside the image lists; undefined without one.
 */
export function imageReportText(image: string, report: ImageReport, packages: number | undefined, colors: Colors): string {
  const { sizeBytes, table: partitionTable, system, boot } = report;
  const kind = partitionTable === undefined ? 'no partition table' : `${partitionTable.type.toUpperCase()} ${partitionTable.id}`.trimEnd();
  const lines = [`${colors.bold(plainText(image))}  ${formatBytes(sizeBytes)}, ${kind}`];
  for (const problem of partitionTable?.problems ?? []) lines.push(`  ${colors.yellow('warning')} ${plainText(problem)}`);
  if (system !== undefined) {
    const { title, id, hostname, kernels } = system;
    lines.push(
      '',
      ...fields(
        [
          ['System', title ?? id],
          ['Host name', hostname],
          ['Kernels', kernels.join(', ')],
        ],
        colors,
      ),
    );
  }
  const bootCode = partitionTable?.bootCode;
  if (bootCode !== undefined) lines.push(...fields([['Boot code', `for a BIOS, in front of the partitions (${bootCode})`]], colors));
  if (packages !== undefined) lines.push(...fields([['Packages', `${packages}, as the manifest beside it says`]], colors));
  lines.push('', ...table([PARTITION_HEAD, ...report.partitions.map(partitionRow)], { right: [0, 3] }));
  for (const { number, problem } of report.partitions)
    if (problem !== undefined) lines.push(`  ${colors.yellow('warning')} partition ${number}: ${plainText(problem)}`);
  if (boot !== undefined) {
    lines.push('', `Starts from ${formatCount(boot.loaders.length, 'program')}: ${boot.loaders.map(plainText).join(', ')}`);
    for (const { file, title, version, kernel, initrds, options } of boot.entries) {
      lines.push(`  ${colors.bold(plainText(title ?? file))}${version === undefined ? '' : ` ${plainText(version)}`}`);
      lines.push(
        ...fields(
          [
            ['Entry', file],
            ['Kernel', kernel],
            ['Initrd', initrds.join(', ')],
            ['Options', options],
          ],
          colors,
          '    ',
        ),
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

const PARTITION_HEAD = ['', 'type', 'name', 'size', 'filesystem', 'label', 'id'];

function partitionRow({ number, type, name = '', sizeBytes, filesystem, active }: PartitionReport): readonly string[] {
  const { type: kind = '-', label = '', id = '', freeBytes } = filesystem ?? {};
  const free = freeBytes === undefined ? '' : `, ${formatBytes(freeBytes)} free`;
  return [
    String(number),
    active === true ? `${type}, active` : type,
    plainText(name),
    formatBytes(sizeBytes),
    `${kind}${free}`,
    plainText(label),
    plainText(id),
  ];
}

function fields(rows: readonly (readonly [string, string | undefined])[], colors: Colors, indent = '  '): readonly string[] {
  return table(
    rows.flatMap(([name, text]) => (text === undefined || text === '' ? [] : [[`${indent}${colors.dim(name)}`, plainText(text)]])),
  );
}
