/**
 * Hands out SPDX identifiers: letters, digits, `.` and `-`, each only once in a document.
 *
 * Other characters become `-` and their code in hexadecimal. Two names that come out alike are told apart by a number, in the order
 * in which they are asked for; so ask in sorted order.
 *
 * @see SPDX 2.3, section 7.2
 */
export class SpdxIds {
  readonly #used = new Set<string>(['SPDXRef-DOCUMENT']);

  /** @returns `SPDXRef-{kind}-{name}`. */
  take(kind: string, name: string): string {
    const base = `SPDXRef-${kind}-${name.replaceAll(/[^A-Za-z0-9.-]/gu, (character) => `-${(character.codePointAt(0) as number).toString(16)}`)}`;
    let id = base;
    for (let number = 2; this.#used.has(id); number++) id = `${base}-${number}`;
    this.#used.add(id);
    return id;
  }
}
