import type { Why, WhyPath } from '@ict/core';
import { lockOptions, withEngine } from '../engine-session.js';
import { positionText } from '../failure-text.js';
import type { LockFlags } from '../flag-types.js';
import { formatCount } from '../quantity.js';
import type { Session } from '../session.js';
import type { Colors } from '../terminal.js';
import { plainText } from '../terminal-text.js';

/** Ways that are told one by one; the rest are counted. */
const TOLD = 5;

/** What asked, where no line of a template did. */
const WHO: Readonly<Record<string, string>> = {
  essential: 'the base system',
  kernel: 'the choice of kernel',
  bootloader: 'the choice of boot loader',
  template: 'the template',
  tools: 'the programs that write the image',
};

/** `ict why` */
export async function why(session: Session, template: string, name: string, flags: LockFlags): Promise<void> {
  const document = await withEngine(session, flags, (engine) => engine.why(template, name, lockOptions(session, flags)));
  session.document(document);
  session.result(whyText(document, session.terminal.resultColors));
}

/** An answer for people: one paragraph a way, from the line of the template to the package. */
export function whyText({ package: pkg, part, paths }: Why, colors: Colors): string {
  const where = part === 'image' ? 'in the image' : 'among the programs that write the image';
  const lines = [`${colors.bold(plainText(pkg.name))} ${plainText(pkg.version)} (${plainText(pkg.repository)}) is ${where}:`];
  for (const path of paths.slice(0, TOLD)) lines.push('', ...pathLines(path, colors));
  if (paths.length > TOLD) lines.push('', `and ${formatCount(paths.length - TOLD, 'more way')}; --json lists them all`);
  return `${lines.join('\n')}\n`;
}

function pathLines({ request, reason, position, steps }: WhyPath, colors: Colors): readonly string[] {
  const who = WHO[reason] ?? plainText(reason);
  const asker = position === undefined ? who : `${positionText(position)} (${who})`;
  return [
    `  ${asker} asks for ${plainText(request)}`,
    ...steps.map(({ from, to, kind, relations }) => {
      const [first] = relations;
      const verb = kind === 'requires' ? 'requires' : 'recommends';
      const said = first === undefined ? '' : `  ${colors.dim(`${plainText(first.field)}: ${plainText(first.text)}`)}`;
      return `    ${nameOf(from)} ${verb} ${nameOf(to)}${said}`;
    }),
  ];
}

/** The name in an id, `name:arch`. */
function nameOf(id: string): string {
  return plainText(id.replace(/:[^:]*$/, ''));
}
