/** Small parts that many views are put together from. */

import type { ComponentChildren } from 'preact';
import type { FailureView } from '../../model/build-view.js';
import type { Loaded } from '../source.js';
import { Said } from './said.js';

export function Panel(props: {
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class={`panel ${props.class ?? ''}`}>
      <header>
        <h2>{props.title}</h2>
        {props.note !== undefined && <div class="note">{props.note}</div>}
      </header>
      <div class="panel-body">{props.children}</div>
    </section>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Facts as pairs; those without a value are left out. */
export function Facts({ rows }: { readonly rows: readonly (readonly [string, ComponentChildren])[] }) {
  const shown = rows.filter(([, value]) => value !== undefined && value !== null && value !== '');
  return (
    <dl class="facts">
      {shown.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

export interface Tile {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
}

export function Tiles({ tiles }: { readonly tiles: readonly Tile[] }) {
  return (
    <div class="tiles">
      {tiles.map(({ name, value, note }) => (
        <div class="tile" key={name}>
          <span class="tile-name">{name}</span>
          <span class="tile-value">{value}</span>
          {note !== undefined && <span class="tile-note">{note}</span>}
        </div>
      ))}
    </div>
  );
}

/** Focusable, so that its end can be reached with the keyboard. */
export function TextBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <pre class="text-block" tabIndex={0} role="region" aria-label={label}>
      {text}
    </pre>
  );
}

export function Failure({ failure, title }: { readonly failure: FailureView; readonly title?: string }) {
  return (
    <div class="failure" role="group" aria-label="failure">
      <p class="failure-head">
        <span class="sign tone-bad" aria-hidden="true">
          ✕
        </span>{' '}
        {title !== undefined && <span class="dim">{title} </span>}
        <strong>
          <Said text={failure.headline} />
        </strong>
      </p>
      {failure.facts.length > 0 && (
        <table class="plain-table">
          <tbody>
            {failure.facts.map(([name, value], index) => (
              <tr key={index}>
                <th scope="row">{name}</th>
                <td>{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {failure.block !== undefined && <TextBlock text={failure.block} label="end of the output" />}
      {failure.hint !== undefined && (
        <p class="hint">
          Hint: <Said text={failure.hint} />
        </p>
      )}
    </div>
  );
}

/** What there is of a document, or why there is none. */
export function Document<T>(props: {
  readonly loaded: Loaded<T>;
  readonly missing: string;
  readonly children: (value: T) => ComponentChildren;
}) {
  const { loaded, missing, children } = props;
  if (loaded.state === 'missing') return <Empty>{missing}</Empty>;
  if (loaded.state === 'failed' && loaded.value === undefined)
    return <p class="empty tone-bad">This could not be loaded: {loaded.reason}</p>;
  if (loaded.value === undefined) return <Empty>Loading…</Empty>;
  return <>{children(loaded.value)}</>;
}

export function Progress({
  done,
  of,
  label,
}: {
  readonly done: number;
  readonly of: number;
  readonly label: string;
}) {
  return <progress class="progress" value={done} max={Math.max(of, 1)} aria-label={label} />;
}

export interface TabItem {
  readonly id: string;
  readonly name: string;
  readonly count?: number;
  readonly href: string;
}

/** Tabs are links: each has an address of its own. */
export function Tabs({ items, active, label }: { items: readonly TabItem[]; active: string; label: string }) {
  return (
    <nav class="tabs" aria-label={label}>
      {items.map(({ id, name, count, href }) => (
        <a key={id} href={href} class="tab" aria-current={id === active ? 'page' : undefined}>
          {name}
          {count !== undefined && <span class="tab-count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}
