import { XmlReader } from './xml.js';
import type { XmlAttributes } from './xml-attributes.js';
import type { XmlHandler } from './xml.js';
import type { XmlText } from './xml-text.js';

/** A group of packages that can be asked for as `@id`. */
export interface PackageGroup {
  readonly id: string;
  /** Come with the group: those that comps.xml calls mandatory, and those that it calls default. */
  readonly packages: readonly string[];
  /** Come with the group where something provides what they are for. */
  readonly conditional: readonly ConditionalPackage[];
}

export interface ConditionalPackage {
  readonly name: string;
  /** Name that a package of the image has or provides. */
  readonly requires: string;
}

/** What comps.xml has that can be asked for. */
export interface Comps {
  /** By id. */
  readonly groups: ReadonlyMap<string, PackageGroup>;
  /** Ids of the groups of environments, by id of the environment. */
  readonly environments: ReadonlyMap<string, readonly string[]>;
}

/**
 * Joins what repositories have under the same ids.
 *
 * @param all in the order of the repositories.
 */
export function joinComps(all: readonly Comps[]): Comps {
  const groups = new Map<string, PackageGroup>();
  const environments = new Map<string, readonly string[]>();
  for (const comps of all) {
    for (const [id, { packages, conditional }] of comps.groups) {
      const known = groups.get(id);
      const joined = [...new Set([...(known?.packages ?? []), ...packages])];
      groups.set(id, { id, packages: joined, conditional: [...(known?.conditional ?? []), ...conditional] });
    }
    for (const [id, ids] of comps.environments) environments.set(id, [...new Set([...(environments.get(id) ?? []), ...ids])]);
  }
  return { groups, environments };
}

interface GroupDraft {
  id: string;
  readonly packages: string[];
  readonly conditional: ConditionalPackage[];
}

interface EnvironmentDraft {
  id: string;
  readonly groups: string[];
}

/**
 * Reads comps.xml, as dnf installs what it says: of a group the mandatory, default and conditional packages, of an environment the mandatory groups. What it calls
 * optional nobody gets who does not ask for it by name.
 */
export class CompsReader implements XmlHandler {
  readonly groups = new Map<string, PackageGroup>();
  readonly environments = new Map<string, readonly string[]>();
  readonly #reader: XmlReader;
  #group: GroupDraft | undefined;
  #environment: EnvironmentDraft | undefined;
  #isOptional = false;
  #type = '';
  #requires = '';

  /** @param source names the document in messages. */
  constructor(source: string) {
    this.#reader = new XmlReader(this, source);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` */
  write(chunk: Buffer): void {
    this.#reader.write(chunk);
  }

  /** @throws `ICT_RPM_INDEX_INVALID` for text that is not complete. */
  finish(): Comps {
    this.#reader.end();
    return this;
  }

  open(name: string, attributes: XmlAttributes): boolean {
    if (name === 'group') this.#group = { id: '', packages: [], conditional: [] };
    if (name === 'environment') this.#environment = { id: '', groups: [] };
    if (name === 'grouplist' || name === 'optionlist') this.#isOptional = name === 'optionlist';
    if (name === 'packagereq') {
      // comps.xml takes a package without a type for a mandatory one.
      this.#type = attributes.get('type') ?? 'mandatory';
      this.#requires = attributes.get('requires') ?? '';
    }
    return name === 'id' || name === 'packagereq' || name === 'groupid';
  }

  close(name: string, text: XmlText): void {
    if (this.#group !== undefined) this.#closeInGroup(this.#group, name, text);
    else if (this.#environment !== undefined) this.#closeInEnvironment(this.#environment, name, text);
  }

  #closeInGroup(group: GroupDraft, name: string, text: XmlText): void {
    if (name === 'id') group.id = text.trimmed();
    else if (name === 'packagereq') this.#addPackage(group, text.trimmed());
    else if (name === 'group') {
      this.groups.set(group.id, group);
      this.#group = undefined;
    }
  }

  #addPackage({ packages, conditional }: GroupDraft, name: string): void {
    if (this.#type === 'optional') return;
    if (this.#requires === '') packages.push(name);
    else conditional.push({ name, requires: this.#requires });
  }

  #closeInEnvironment(environment: EnvironmentDraft, name: string, text: XmlText): void {
    if (name === 'id') environment.id = text.trimmed();
    else if (name === 'groupid' && !this.#isOptional) environment.groups.push(text.trimmed());
    else if (name === 'environment') {
      this.environments.set(environment.id, environment.groups);
      this.#environment = undefined;
    }
  }
}
