import type { DistributionDefinition } from '@ict/plugin-api';
import { parseDistribution, placeDistribution, requireDistribution, type WrittenDistribution } from '@ict/template';

/** A line of the outermost mapping: a key and a plain word. */
const line = (key: string) => new RegExp(`^${key}:[ \\t]+([A-Za-z0-9][A-Za-z0-9._-]*)[ \\t]*(?:#.*)?$`, 'gm');

/** What this very code read of the text of a definition before; undefined when it did not, or the text had faults. */
export type DefinitionMemory = (text: string) => WrittenDistribution | undefined;

/**
 * A file that defines a distribution. Of most files a command needs to know only which target they are for: `target` takes that from
 * two lines of the text where it can, and the whole is read, and its faults found, with `definition`.
 */
export class DefinitionFile {
  readonly file: string;
  /** `{os}/{dist}`. */
  readonly target: string;
  private readonly text: string;
  private readonly recall: DefinitionMemory | undefined;
  private read: DistributionDefinition | undefined;

  /** @throws `ICT_DISTRO_INVALID` when the target is not plain to see and the file has faults. */
  constructor(file: string, text: string, recall?: DefinitionMemory) {
    this.file = file;
    this.text = text;
    this.recall = recall;
    this.target = glance(text) ?? targetOf(this.definition());
  }

  /** @throws `ICT_DISTRO_INVALID` with all problems of the file. */
  definition(): DistributionDefinition {
    return (this.read ??= this.known() ?? requireDistribution(parseDistribution(this.text, this.file)));
  }

  private known(): DistributionDefinition | undefined {
    const written = this.recall?.(this.text);
    return written && placeDistribution(written, this.file);
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
