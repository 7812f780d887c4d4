import type { DistributionDefinition } from '@ict/plugin-api';
import { parseDistribution, requireDistribution } from '@ict/template';

/** A line of the outermost mapping: a key and a plain word. */
const line = (key: string) => new RegExp(`^${key}:[ \\t]+([A-Za-z0-9][A-Za-z0-9._-]*)[ \\t]*(?:#.*)?$`, 'gm');

/**
 * A file that defines a distribution. Of most files a command needs to know only which target they are for: `target` takes that from
 * two lines of the text where it can, and the whole is read, and its faults found, with `definition`.
 */
export class DefinitionFile {
  readonly file: string;
  /** `{os}/{dist}`. */
  readonly target: string;
  private readonly text: string;
  private read: DistributionDefinition | undefined;

  /** @throws `ICT_DISTRO_INVALID` when the target is not plain to see and the file has faults. */
  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.target = glance(text) ?? targetOf(this.definition());
  }

  /** @throws `ICT_DISTRO_INVALID` with all problems of the file. */
  definition(): DistributionDefinition {
    this.read ??= requireDistribution(parseDistribution(this.text, this.file));
    return this.read;
  }
}

function targetOf({ os, dist }: DistributionDefinition): string {
  return `${os}/${dist}`;
}

/** The target in the text, when each of its keys starts just one line and has a plain value there. */
function glance(text: string): string | undefined {
  const [os, dist] = ['os', 'dist'].map((key) => {
    const lines = [...text.matchAll(line(key))];
    return lines.length === 1 && text.match(new RegExp(`^${key}[ \\t]*:`, 'gm'))?.length === 1 ? lines[0][1] : undefined;
  });
  return os === undefined || dist === undefined ? undefined : `${os}/${dist}`;
}
