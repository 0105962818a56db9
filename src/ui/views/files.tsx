/** Generated files: which task and which part of a spec each comes from, and whether a person edited it. */

import type { FilesDocument, GeneratedFile } from '../../model/page.js';
import { plural } from '../format.js';
import { ActionButton } from '../parts/actions.js';
import { Document, Empty, Failure, Panel } from '../parts/common.js';
import { FileDiffView } from '../parts/diff.js';
import { Filter, matches } from '../parts/filter.js';
import { Status } from '../parts/status.js';
import { taskLink } from '../router.js';
import { paths, useDocument } from '../source.js';

const MAX_ROWS = 1000;

export function FilesView({ query }: { readonly query: URLSearchParams }) {
  const loaded = useDocument<FilesDocument>(paths.files);
  return (
    <>
      <header class="page-head">
        <h1>Files</h1>
      </header>
      <Document loaded={loaded} missing="There are no generated files.">
        {(document) => <Files document={document} query={query} />}
      </Document>
    </>
  );
}

function Files({ document, query }: { readonly document: FilesDocument; readonly query: URLSearchParams }) {
  const { files, problem } = document;
  const shown = files.filter((file) => matches(query, file.task, file.state, `${file.path} ${file.spec}`));
  const edited = shown.filter(({ state }) => state === 'edited');
  const features = [...new Set(files.map(({ task }) => task.slice(0, task.indexOf('/') >>> 0)))];
  return (
    <>
      {problem && <Failure failure={problem} title="the project could not be read" />}
      {edited.length > 0 && (
        <Panel title="Edited by hand" note={plural(edited.length, 'file')}>
          {edited.map((file) => (
            <Edited key={`${file.task} ${file.path}`} file={file} />
          ))}
        </Panel>
      )}
      <Panel title="Generated files" note={plural(shown.length, 'file')}>
        <Filter
          query={query}
          features={features}
          outcomes={[...new Set(files.map(({ state }) => state))]}
          view={['files', '']}
        />
        {files.length === 0 && !problem && <Empty>No task has made a file yet.</Empty>}
        <FileTable files={shown.slice(0, MAX_ROWS)} />
        {shown.length > MAX_ROWS && (
          <p class="dim pad">{plural(shown.length - MAX_ROWS, 'more file')}: use the filter.</p>
        )}
      </Panel>
    </>
  );
}

function Edited({ file }: { readonly file: GeneratedFile }) {
  return (
    <div class="edited-file">
      <p>
        <a href={taskLink(file.task)}>{file.task}</a> <ActionButton action="accept" targets={[file.task]} />{' '}
        <ActionButton action="discard-edits" targets={[file.task]} />
      </p>
      {file.diff && <FileDiffView file={file.diff} />}
    </div>
  );
}

function FileTable({ files }: { readonly files: readonly GeneratedFile[] }) {
  return (
    <div class="table-scroll">
      <table class="table">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">State</th>
            <th scope="col">Task</th>
            <th scope="col">Spec</th>
            <th scope="col">Model</th>
          </tr>
        </thead>
        <tbody>
          {files.map((file) => (
            <tr key={`${file.task} ${file.path}`}>
              <td class="path">{file.path}</td>
              <td>
                <Status kind={file.state} plain />
                {file.role === 'patches' && <span class="dim small"> patched</span>}
              </td>
              <td>
                <a href={taskLink(file.task, undefined, 'spec')}>{file.task}</a>
              </td>
              <td class="path">
                {file.spec}:{file.line}
                {file.sections.length > 0 && <span class="dim"> {file.sections.join(', ')}</span>}
              </td>
              <td>{file.model ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
