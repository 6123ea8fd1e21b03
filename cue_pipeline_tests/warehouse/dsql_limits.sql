-- What Aurora DSQL refuses, refused by a plain PostgreSQL 15 or later. Load once, into an empty
-- database, as a superuser; tables made afterwards are held to the limits.

create schema emulated;

create function emulated.noted(name text) returns bigint language sql as $$
  select coalesce(nullif(current_setting('emulated.' || name, true), ''), '0')::bigint
$$;

-- Rows and bytes that a transaction has modified, over all its statements, COPY included.
create function emulated.count_rows() returns trigger language plpgsql as $$
declare
  n bigint; size bigint; col record; too_long boolean;
begin
  if emulated.noted('ddl') > 0 then
    raise exception 'ddl and dml are not supported in the same transaction' using errcode = '0A000';
  end if;
  select count(*), coalesce(sum(pg_column_size(t.*)), 0) into n, size from t;
  n := n + emulated.noted('rows');
  size := size + emulated.noted('bytes');
  if n > 3000 then
    raise exception 'transaction row limit exceeded' using errcode = '54000';
  end if;
  if size > 10485760 then
    raise exception 'transaction size limit 10mb exceeded' using errcode = '54000';
  end if;
  if tg_op <> 'DELETE' then
    for col in
      select attname from pg_attribute
      where attrelid = tg_relid and attnum > 0 and not attisdropped
        and atttypid in ('bytea'::regtype, 'text'::regtype, 'jsonb'::regtype)
    loop
      execute format('select exists(select 1 from t where octet_length(%I::text) > 1048576
                      and pg_column_size(%I) > 1048576)', col.attname, col.attname) into too_long;
      if too_long then
        raise exception 'datatype limit greater than 1048576 bytes not supported for column %',
          col.attname using errcode = '54000';
      end if;
    end loop;
  end if;
  perform set_config('emulated.rows', n::text, true), set_config('emulated.bytes', size::text, true);
  return null;
end $$;

create function emulated.refuse_truncate() returns trigger language plpgsql as $$
begin
  raise exception 'unsupported statement: Truncate' using errcode = '0A000';
end $$;

create function emulated.ddl_starts() returns event_trigger language plpgsql as $$
begin
  if emulated.noted('internal') > 0 then return; end if;
  if tg_tag in ('CREATE TRIGGER', 'CREATE MATERIALIZED VIEW', 'CREATE TABLE AS', 'CREATE TYPE',
                'CREATE EXTENSION', 'CREATE RULE', 'CREATE POLICY', 'COMMENT') then
    raise exception '% not supported', tg_tag using errcode = '0A000';
  end if;
  if emulated.noted('ddl') > 0 then
    raise exception 'multiple ddl statements not supported in a transaction'
      using errcode = '0A000';
  end if;
  if emulated.noted('rows') > 0 then
    raise exception 'ddl and dml are not supported in the same transaction' using errcode = '0A000';
  end if;
  perform set_config('emulated.ddl', '1', true);
end $$;

create function emulated.ddl_ends() returns event_trigger language plpgsql as $$
declare
  made record; col record; kind record; op text;
begin
  if emulated.noted('internal') > 0 then return; end if;
  for made in select * from pg_event_trigger_ddl_commands() loop
    if made.object_type = 'sequence' then
      raise exception 'type "serial" does not exist' using errcode = '42704';
    elsif made.object_type = 'table' then
      select relpersistence, relkind, relispartition into kind
        from pg_class where oid = made.objid;
      if kind.relpersistence <> 'p' or kind.relkind = 'p' or kind.relispartition then
        raise exception 'temporary, unlogged and partitioned tables are not supported'
          using errcode = '0A000';
      end if;
      for col in
        select format_type(atttypid, null) as type from pg_attribute
        where attrelid = made.objid and attnum > 0 and not attisdropped
      loop
        if col.type not in ('smallint', 'integer', 'bigint', 'real', 'double precision', 'numeric',
            'character', 'character varying', 'text', 'date', 'time without time zone',
            'time with time zone', 'timestamp without time zone', 'timestamp with time zone',
            'interval', 'boolean', 'bytea', 'uuid', 'json', 'jsonb') then
          raise exception 'datatype % not supported', col.type using errcode = '0A000';
        end if;
      end loop;
      if made.command_tag = 'CREATE TABLE' then
        perform set_config('emulated.internal', '1', true);
        foreach op in array array['insert', 'update', 'delete'] loop
          execute format('create trigger zz_%s after %s on %s referencing %s table as t
                          for each statement execute function emulated.count_rows()',
                         op, op, made.object_identity,
                         case op when 'delete' then 'old' else 'new' end);
        end loop;
        execute format('create trigger zz_truncate before truncate on %s
                        for each statement execute function emulated.refuse_truncate()',
                       made.object_identity);
        perform set_config('emulated.internal', '0', true);
      end if;
    end if;
  end loop;
end $$;

-- DSQL's list of background jobs; here an index is ready at once.
create schema sys;
create table sys.jobs (job_id text, status text, details text);

do $$
begin
  execute format('alter database %I set default_transaction_isolation = ''repeatable read''',
                 current_database());
end $$;

create event trigger emulated_ddl_starts on ddl_command_start execute function emulated.ddl_starts();
create event trigger emulated_ddl_ends on ddl_command_end execute function emulated.ddl_ends();
