-- A password cannot be a parameter of ALTER ROLE; it comes from the transaction's setting, so that it is in no
-- statement's text and in no log.
DO $$
BEGIN
    EXECUTE format('ALTER ROLE nova_cdc PASSWORD %L', current_setting('nova.cdc_password'));
EXCEPTION
    -- The context of an error quotes the statement; raised again from here it does not.
    WHEN OTHERS THEN RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = SQLERRM;
END
$$
