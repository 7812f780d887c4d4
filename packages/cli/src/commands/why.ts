import type { Why, WhyPath } from '@ict/core';
import { lockOptions, withEngine } from '../engine-session.js';
import { positionText } from '../views/failure-text.js';
import type { LockFlags } from '../flag-types.js';
import { formatCount } from '../views/quantity.js';
import type { Session } from '../session.js';
import type { Colors } from '../views/terminal.js';
import { plainText } from '../views/terminal-text.js';

/** Ways that are told one by one; the rest are counted. */
const TOLD = 5;

/** What asked, where no line of a template did. */
const WHO: Readonly<Record<string, string>> = {
  essential: 'the base system',
  kernel: 'the choice of kernel',
  bootloader: 'the choice of boot loader',
  template: 'the template',
  tools: 'the tree of tools',
};

/** `ict why` */
export async function why(session: Session, template: string, name: string, flags: LockFlags): Promise<void> {
  const document = await withEngine(session, flags, (engine) => engine.why(template, name, lockOptions(session, flags)));
  session.document(document);
  session.result(whyText(document, session.terminal.resultColors));
}

/** An answer for people: one paragraph a way, from the line of the template to the package. */
export function whyText({ package: pkg, part, provided = [], foreignArchitectures = [], paths }: Why, colors: Colors): string {
  const titleOf = titles(foreignArchitectures);
  const where = part === 'image' ? 'in the image' : 'among the programs that write the image';
  const [own, ...others] = provided;
  const provides = own === undefined ? '' : ` provides ${plainText(own.text)}, and`;
  const title = titleOf(pkg.id.replace(/=.*$/, ''));
  const lines = [`${colors.bold(title)} ${plainText(pkg.version)} (${plainText(pkg.repository)})${provides} is ${where}:`];
  for (const path of paths.slice(0, TOLD)) lines.push('', ...pathLines(path, titleOf, colors));
  if (paths.length > TOLD) lines.push('', `and ${formatCount(paths.length - TOLD, 'more way')}; --json lists them all`);
  for (const other of others) lines.push('', `${titleOf(other.package)} provides ${plainText(other.text)}, too`);
  return `${lines.join('\n')}\n`;
}

function pathLines(
  { request, reason, position, byDefault, steps }: WhyPath,
  titleOf: (id: string) => string,
  colors: Colors,
): readonly string[] {
  const who = WHO[reason] ?? plainText(reason);
  const unplaced = reason === 'template' && byDefault === true ? 'the definition of the distribution' : who;
  const asker = position === undefined ? unplaced : `${positionText(position)} (${who})`;
  return [
    `  ${asker} asks for ${plainText(request)}`,
    ...steps.map(({ from, to, kind, relations }) => {
      const [first] = relations;
      const verb = kind === 'requires' ? 'requires' : 'recommends';
      const said = first === undefined ? '' : `  ${colors.dim(`${plainText(first.field)}: ${plainText(first.text)}`)}`;
      return `    ${titleOf(from)} ${verb} ${titleOf(to)}${said}`;
    }),
  ];
}

/** Makes of an id, `name:arch` or `name:arch=version`, what people write: with the architecture only where it is a foreign one. */
function titles(foreign: readonly string[]): (id: string) => string {
  return (id) => {
    const [, name = id, arch = '', version = ''] = /^([^:]*):([^=]*)(=.*)?$/.exec(id) ?? [];
    return plainText(foreign.includes(arch) ? id : `${name}${version}`);
  };
}
