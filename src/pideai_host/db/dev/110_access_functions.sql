-- Who may do what: the questions that policies ask.

create or replace function public.user_owns_store(target_store_id uuid) returns boolean
language plpgsql stable security definer set search_path = public as $$
begin
  return exists (select 1 from public.stores s where s.id = target_store_id and s.owner_id = auth.uid());
end
$$;

create or replace function public.is_platform_admin() returns boolean
language plpgsql stable security definer set search_path = public as $$
begin
  return exists (select 1 from public.platform_admins a where a.user_id = auth.uid() and a.is_active);
end
$$;

create or replace function public.is_super_admin() returns boolean
language plpgsql stable security definer set search_path = public as $$
begin
  return exists (
    select 1 from public.platform_admins a where a.user_id = auth.uid() and a.is_active and a.role = 'super_admin'
  );
end
$$;

create or replace function public.has_role(_user_id uuid, _role public.app_role) returns boolean
language plpgsql stable security definer set search_path = public as $$
begin
  return exists (select 1 from public.user_roles r where r.user_id = _user_id and r.role = _role);
end
$$;

create or replace function public.get_current_user_email() returns text
language plpgsql stable security definer set search_path = public as $$
begin
  return (select u.email from auth.users u where u.id = auth.uid());
end
$$;

create or replace function public.get_user_owned_store()
returns table (
  id uuid, subdomain text, name text, description text, logo_url text, phone text, email text, address text,
  is_active boolean, operating_modes public.operating_mode[], redirect_to_whatsapp boolean,
  force_status public.force_status
)
language plpgsql stable security definer set search_path = public as $$
begin
  return query
    select
      s.id, s.subdomain, s.name, s.description, s.logo_url, s.phone, s.email, s.address, s.is_active,
      s.operating_modes, s.redirect_to_whatsapp, s.force_status
    from public.stores s
    where s.owner_id = auth.uid()
    limit 1;
end
$$;

-- As in production: no fixed search_path, no caller check, period ends not looked at, and a plan part that never holds.
create or replace function public.has_module_enabled(p_store_id uuid, p_module_name text) returns boolean
language plpgsql security definer as $$
declare
  v_plan_modules jsonb;
  v_enabled_modules jsonb;
begin
  select p.modules, s.enabled_modules
  into v_plan_modules, v_enabled_modules
  from public.subscriptions s
  join public.subscription_plans p on p.id = s.plan_id
  where s.store_id = p_store_id and s.status in ('trial', 'active');

  if not found then
    return false;
  end if;

  return coalesce((v_plan_modules ->> p_module_name)::boolean, false)
    or coalesce((v_enabled_modules ->> p_module_name)::boolean, false);
exception when others then
  raise warning 'has_module_enabled: %', sqlerrm;
  return false;
end
$$;
