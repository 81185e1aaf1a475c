/** A page-wide message with a way home. */
export function PageError({ title, message }: { title: string; message: string }) {
  return (
    <div className="page page-error">
      <h1>{title}</h1>
      <p>{message}</p>
      <p>
        <a className="button" href="/">
          Go to the start page
        </a>
      </p>
    </div>
  );
}
