/** Buttons that start a command, where the page was opened with `--actions`; nothing at all without. */

import { useState } from 'preact/hooks';
import type { PageAction, ProjectDocument } from '../../model/page.js';
import { useLive } from '../live.js';
import { paths, startAction, useDocument } from '../source.js';
import { TextBlock } from './common.js';

const WORDS: Readonly<Record<PageAction, { readonly name: string; readonly asks?: string }>> = {
  build: { name: 'Build' },
  retry: { name: 'Retry failed' },
  accept: { name: 'Accept edits', asks: 'Record the files as they are now?' },
  'discard-edits': { name: 'Discard edits', asks: 'Put the recorded files back? Your edits are lost.' },
  approve: { name: 'Approve', asks: 'Allow what this task asks for?' },
};

export function ActionButton(props: {
  readonly action: PageAction;
  readonly targets: readonly string[];
  readonly label?: string;
}) {
  const { action, targets, label } = props;
  const project = useDocument<ProjectDocument>(paths.project);
  const ends = useLive((live) => live.ends);
  const [id, setId] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const [isAsking, setAsking] = useState(false);
  if (project.state === 'loading' || project.state === 'missing' || !project.value?.actions.includes(action))
    return null;
  const { name, asks } = WORDS[action];
  const end = ends.find((one) => one.id === id);
  const isRunning = id !== undefined && !end;
  const start = () => {
    setAsking(false);
    setProblem(undefined);
    startAction(action, targets).then(setId, (error: unknown) =>
      setProblem(error instanceof Error ? error.message : String(error)),
    );
  };
  return (
    <span class="action">
      {isAsking ? (
        <span class="asks">
          {asks}{' '}
          <button type="button" class="button strong" onClick={start}>
            Yes
          </button>{' '}
          <button type="button" class="button" onClick={() => setAsking(false)}>
            No
          </button>
        </span>
      ) : (
        <button
          type="button"
          class="button"
          disabled={isRunning}
          onClick={() => (asks === undefined ? start() : setAsking(true))}
        >
          {isRunning ? `${label ?? name} …` : (label ?? name)}
        </button>
      )}
      <span class="action-said" role="status">
        {problem}
        {end && end.exitCode !== 0 && (
          <details>
            <summary>
              {end.command} ended with {end.exitCode}
            </summary>
            <TextBlock text={end.tail} label="what it printed" />
          </details>
        )}
        {end && end.exitCode === 0 && 'done'}
      </span>
    </span>
  );
}
